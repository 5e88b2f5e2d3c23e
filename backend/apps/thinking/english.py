"""The noun phrases of an English sentence, by rules and lists of words. Pure: knows neither Django nor the database."""

import re
from collections.abc import Iterator

TOKEN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏ0-9]+(?:[-.&/'’][A-Za-zÀ-ÖØ-öø-ɏ0-9]+)*|\S")
OWNER = re.compile("['’]s$")
LONGEST = 3  # words of a phrase
# So much is one mention of a phrase worth: of two words, of three, of one with a hyphen, of one.
COMPOUND, LONG_COMPOUND, ATTRIBUTED, HYPHENED, SINGLE, VAGUE, PERHAPS_VERB = 1.6, 1.5, 1.3, 1.2, 1.0, 0.8, 0.6


def _list(words: str) -> frozenset[str]:
    return frozenset(words.split())


SUBJECTS = _list("i you he she it we they who which nobody everybody everyone someone somebody anyone anybody")
DETERMINERS = _list(
    """
    a an the this that these those my your whose his her its our their some any no each every either neither another
    what which both all few many several much more most less enough such
    """
)
# A verb stands before these, and no noun: lorries block the mirror.
OBJECTS = _list(
    """
    a an the this these those my your his her its our their some any no it them us me him what whatever nothing
    something everything anything someone everyone anyone nobody somebody themselves itself himself herself one two
    """
)
CONJUNCTIONS = _list("when if because while until unless once before after as where that whenever")
TIMES = _list("day week month year hour minute night morning evening weekend quarter")
# A verb stands after these, and no noun.
MODALS = _list(
    """
    can could will would shall should may might must cannot can't couldn't won't wouldn't shouldn't mustn't don't
    doesn't didn't do does did let let's please never always i'd i'll we'd we'll you'd you'll they'd they'll
    """
)
BE = _list(
    """
    be am is are was were been being isn't aren't wasn't weren't i'm we're you're they're he's she's it's that's
    what's there's who's i've we've you've they've has have had having hasn't haven't hadn't get gets got getting
    become becomes became becoming seem seems keep keeps kept go goes going went gone stay stays stayed
    """
)
PREPOSITIONS = _list(
    """
    about above across after against along among around as at before behind below beneath beside besides between
    beyond by despite during except for from in inside into like of off on onto out outside over past per since
    through throughout till to toward towards under underneath until unto up upon via with within without versus vs
    than plus minus because including regarding concerning
    """
)
PARTICLES = _list("up out off away down back over together apart aloud")
OTHERS = _list(
    """
    and or but nor so yet if then else when where while why how whether though although unless once not also too very
    just only even still already again soon now today tomorrow yesterday tonight ever often sometimes usually maybe
    perhaps quite rather really almost nearly mostly mainly far later early earlier afterwards ago instead otherwise
    however therefore thus hence etc e.g i.e eg ie ok yes well better best worse worst least lot lots first second
    third last next twice half quarter double own same other others right left straight exactly forever everywhere
    anywhere somewhere nowhere upstairs downstairs online offline beforehand meanwhile abroad indoors outdoors
    overnight upfront here there one two three four five six seven eight nine ten eleven twelve twenty thirty forty
    fifty hundred thousand million zero none dozen us me him mine yours ours theirs myself yourself ourselves whom
    people doing done
    """
)
# Adjectives that make another thing of it: soft ground. They are no nouns by themselves.
ATTRIBUTES = _list(
    """
    blue brown central chemical cold cultural daily dark digital domestic dry electric electrical electronic emotional
    external fixed flat foreign free fresh green grey hot hourly human internal international late legal liquid live
    local low magnetic manual mechanical medical mental mobile monthly moral mutual national natural near open optical
    optional organic personal physical political portable practical private professional public quarterly raw red
    remote safe seasonal social soft solid spare spoken technical thermal urban verbal virtual visual vocal weekly
    white wooden yearly yellow
    """
)
# Adjectives that say little about what a thing is: `old PC` is a PC, but `green wood` is not just wood.
ADJECTIVES = _list(
    """
    able afraid alone available awful awkward bad big boring bright broken busy careful certain cheap clean clear
    close complete complex confident confused constant convenient correct current cute decent deep different difficult
    dirty driven due dull easy empty entire exact excellent expensive extra fair familiar famous fast fat favorite
    favourite fewer final fine firm full funny further general gentle glad good great handy happy hard heavy helpful
    high honest huge ideal important impossible interested interesting kind large lazy likely little long loose loud
    main major matching mean messy minor missing modern modest narrow neat necessary new nice noisy normal obvious odd
    okay old ordinary original painful perfect plain pleasant poor popular possible powerful precise present previous
    printed proper proud quick quiet random rare ready real reasonable recent regular relevant reliable responsible
    rich rough rude sad scared scattered separate serious severe short sick signed similar simple single slight slow
    small smart smooth sorry special specific stable steady strange strict strong stupid suitable sure surprised sweet
    tall terrible thick thin tidy tight tiny tired total tough true typical ugly unable unclear unhappy unreadable
    useful useless usual vague valuable various warm weak whole wide wild willing wonderful worth wrong young aware
    """
)
# Verbs that are seldom nouns, or as often: NOUN_OR_VERB. Their other forms are made of them.
VERBS = _list(
    """
    accept achieve adapt add adjust admit affect afford agree allow analyse analyze annotate announce annoy appear
    apply appreciate approve argue arise arrange arrive ask assess assign assist assume attach attend authenticate
    automate avoid bake bark baste be become begin believe belong bend bind blow boil borrow bother bounce brainstorm
    bring browse build burn buy calculate calibrate cancel carry carve celebrate choose chop cite climb close collect
    combine come compare compile complain complete concentrate configure confirm confuse connect consider consist
    consult contain continue contribute convert convince cope correct create cross customise customize debug decide
    decrease deduplicate define delete deliver depend deploy describe deserve destroy develop die differ dig digitise
    digitize disappear discover discuss disturb divide donate drag draw drift earn eat eliminate embed emphasise
    emphasize enable encourage encrypt enjoy ensure enter establish evaluate examine exceed exclude exist expand
    expect expire explain explore extend fade fail fall fasten feel fill find finish follow forget forgive freeze
    frustrate fry gather get give go grab greet grow handle hang happen hate have hear hide hold hurry hurt identify
    ignore illustrate imagine implement impress improve include increase indicate inform inherit insist inspect
    install integrate interrupt introduce invite involve irritate jog join jump justify keep knock know lay learn
    leave lend lengthen let lie listen live look loosen lose lubricate maintain make manage marinate maximise maximize
    meet memorise memorize mention migrate mind minimise minimize miss mow multiply nag negotiate notice notify
    observe obtain occur omit open oppose optimise optimize organise organize overcome overlap overlook overwrite own
    parse pay peel perform persuade photograph poke postpone pour predict prefer prepare pretend prevent prioritise
    prioritize proceed produce promote proofread propose protect prove provide prune publish punish push put quit rake
    react read realise realize rebase rebuild recall receive recognise recognize recommend reconsider recover recruit
    reduce refactor refer refill refuse regret regulate rehearse reinforce reject relate relax reload rely remain
    remake remember remind remove rename renew reopen replace represent require resist resolve respond restart restore
    restrict resume retain retry reuse reveal revise rewrite rid rinse rise roast rotate rub sanitise save say scatter
    scratch scroll see seek seem select sell send separate serve set settle sew sharpen shorten shout shrink shut
    simplify simulate sing sit skip sleep slow smooth snap soak solder solve sow speak specify spend spill spoil
    squeeze stay steal stir struggle stumble submit subscribe subtract succeed suffer suggest summarise summarize
    suppose survive suspect swallow tackle take teach tell tempt tend think tidy tighten transcribe translate trim try
    underline understand unite unload unlock unpack unplug unsubscribe upgrade upload upset use validate vanish vary
    verify wake want warn warp weaken wear weigh welcome widen win wipe withdraw wonder write yell
    """
)
NOUN_OR_VERB = _list(
    """
    aim answer balance bend break bump burn call catch cause change chase chat check claim click contact cook copy
    cost count cover crack crash cut deal delay design download draft drain drill drink drive drop edit end escape
    estimate exchange experiment export fear feed fight file filter fit fix flood flow focus fold force frame glue
    grip guess hand harm heat help highlight hike hire hope hunt import insert iron kick label land lead leak lift
    limit link list load lock log love mark mark-up match matter measure merge mix mount move nail need note number
    offer order pack paint park pass pick pin place plan plant plug point polish pop practice practise press print
    profit program promise pull puzzle question quote rate reach record register release rent repair repeat reply
    report request rescue research respect rest result return review reward ride risk roll rule run sail sample scale
    scan schedule score screw seal search shake shape share shift shop show sign sink skate sketch slide slip smell
    sort sound split spray spread stack stage stain stand star start state step stick stock stop store stream stress
    stretch strip study suit supply support swap sweep swim switch sync talk tape target taste tear test throw tie
    time touch trace track trade train transfer trap travel treat trigger trouble trust turn twist type update upgrade
    value view visit vote wait walk wash waste watch water wind wish work worry wrap zoom
    """
)
IRREGULAR = _list(
    """
    ate began begun bent blew bought broke brought built burnt came caught chose chosen cost dealt drank drawn drew
    drove eaten fallen fed fell felt fought found forgot forgotten gave given grew grown heard held hid hidden hung
    knew known laid learnt led lent lost made met paid ran rode said sat saw seen sent shown slept sold spent spoke
    spoken spoilt stole stolen stood stuck sung swam taken taught thought threw thrown told took understood woke won
    wore worn written wrote tore torn meant
    """
)
# Nouns that tell of nothing by themselves.
WEAK = _list(
    """
    ability addition advantage afternoon aim amount answer anything area aspect attempt attention average bit bits
    bottom bunch call care case cases cause center centre chance change changes child choice choices column constraint
    constraints copy corner couple course daily day days deal detail details difference difficulty direction
    directions doubt edge effect effort end ends euro euros evening event everyone example examples existence
    experience fact facts fault fear feature fix fortnight fun game goal goals group groups guess guy half hand hands
    help hour hourly hours idea ideas improvement improvements interest issue issues item items job kind kinds lack
    length level line list lot man matter matters meaning means method metre metres middle min mins minute minutes
    mistake moment money month monthly months morning mornings name names need needs night nights none note notes
    number numbers object option options order others pair part parts percent person persons piece pieces place places
    plan plans plenty point points position possibility problem problems process progress purpose quarterly question
    questions range rate reason reasons rest result results right risk risks room row rule rules sec second seconds
    secs sense set sets side sides sign situation size solution solutions sort sorts spot stage start state step steps
    stuff style success system target task tasks theme thing things thought thoughts time times top topic topics total
    trouble try turn type types use user users value version view way ways week weekend weekends weekly weeks while
    woman word words work world year yearly years monday tuesday wednesday thursday friday saturday sunday mondays
    tuesdays wednesdays thursdays fridays saturdays sundays january february march april may june july august
    september october november december spring summer autumn winter mon tue wed thu fri sat sun cm mm km kg ml pm am
    cent dollar dollars pound pounds mr mrs ms dr pros cons mum mom dad pain background summary context hypothesis
    outcome outcomes
    """
)
# Nouns of every day, which are about many things.
COMMON = _list(
    """
    account air apartment arm baby bag ball bathroom bed bedroom bike bird blood board boat body book bottle box boy
    brother building bus business button camera car card cat chair church city class clothes coat coffee colleague
    college color colour company computer country cup customer date daughter desk dinner doctor dog door dress ear egg
    email eye face family father feet field finger fire fish flat floor flower folder food foot friend fridge garden
    girl glass hair hall hat head heart hill hole home horse hospital hotel house husband ice internet jacket key kid
    kitchen lady lake land language laptop law leg letter life line lunch machine mail map market meal meat member
    message milk mind mirror mother mountain mouth movie music neck news nose ocean office oil page paper parent party
    pasta pen pencil phone photo picture plane plate pocket police pot price program programme rain river road roof
    salt school screen sea seat shirt shoe shoulder sister sky snow society son song space sport staff station stone
    story street student sugar sum table tablet tea teacher team telephone television text toilet tool town tree trip
    truck tv van video village voice wall war weather web website wife window wine wood yard
    """
)
NO_ADVERBS = _list(
    """
    daily weekly monthly yearly hourly quarterly family supply reply assembly anomaly monopoly july italy fly jelly
    ally bully rally belly lily ply butterfly
    """
)
NO_GERUNDS = _list(
    """
    thing string ring spring king wing evening morning ceiling pudding building meeting wedding sibling
    """
)
# What ends in s and yet stands before another noun: sales report.
NO_PLURALS = _list(
    """
    sales sports systems news goods operations savings customs series species lens gas bias atlas canvas christmas
    """
)


def _forms(verb: str) -> Iterator[str]:
    yield from (
        verb,
        verb + "s",
        verb + "es",
        verb + "ed",
        verb + "ing",
        verb + verb[-1] + "ing",
        verb + verb[-1] + "ed",
    )
    if verb.endswith("e"):
        yield from (verb + "d", verb[:-1] + "ing")
    if verb.endswith("y"):
        yield from (verb[:-1] + "ies", verb[:-1] + "ied")


VERB_FORMS = frozenset(form for verb in VERBS | NOUN_OR_VERB for form in _forms(verb)) | IRREGULAR
NOUN_FORMS = frozenset(form for noun in NOUN_OR_VERB for form in (noun, noun + "s", noun + "es", noun[:-1] + "ies"))
COMPARED = frozenset(
    form
    for word in ADJECTIVES | ATTRIBUTES
    for stem in (word, word.rstrip("ey"), word + word[-1])
    for form in (stem + "er", stem + "est")
) | frozenset(
    word[:-1] + ending for word in ADJECTIVES | ATTRIBUTES if word.endswith("y") for ending in ("ier", "iest")
)
BREAKS = SUBJECTS | DETERMINERS | OBJECTS | MODALS | BE | PREPOSITIONS | PARTICLES | OTHERS | ADJECTIVES | COMPARED


def phrases(sentence: str) -> Iterator[tuple[str, float]]:
    """The noun phrases of a sentence as they are written in it, each with what a mention is worth."""
    tokens = list(TOKEN.finditer(sentence))
    words = [token.group().replace("’", "'").lower() for token in tokens]
    begin = 0
    for place in range(len(words) + 1):
        if place < len(words) and _goes_on(words, begin, place):
            continue
        for first, last in _cut(words, begin, place):
            phrase = OWNER.sub("", sentence[tokens[first].start() : tokens[last - 1].end()])
            yield phrase, _worth(words, first, last)
        begin = place + 1


# After these a plural has an e of its own, as the singular may have.
HISSING = re.compile("(ch|sh|ss|x|zz)es?$")


def singular(word: str) -> str:
    """What a word and its plural begin with, to compare and to find both by; it need not be a word (cache: cach)."""
    if HISSING.search(word):
        return HISSING.sub(r"\1", word)
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _goes_on(words: list[str], begin: int, place: int) -> bool:
    """Whether the word at `place` is a noun, or a part of one that began at `begin`."""
    word = words[place]
    before = words[place - 1] if place else "."
    after, then = (*words[place + 1 : place + 3], ".", ".")[:2]
    particle = word in PARTICLES and before in DETERMINERS and place == begin
    if (
        len(word) < 2
        or (word in BREAKS and not particle)
        or not re.search("[^\\W\\d_]", word)
        or "'" in word.removesuffix("'s")
    ):
        return False
    if word.endswith("ly") and word not in NO_ADVERBS:
        return False
    begins_clause = _begins_clause(words, place)
    ends = after in OBJECTS and not (after in ("a", "an") and then in TIMES)
    if before in MODALS or before in SUBJECTS:
        return False
    if before == "to" and (word in VERB_FORMS or ends or after in PREPOSITIONS or after in PARTICLES):
        # to type it, but: to local storage
        return False
    if after in PARTICLES and (begins_clause or place > begin or word in VERB_FORMS):
        return False
    if begins_clause and (ends or after in ADJECTIVES or (after in PREPOSITIONS and word in VERB_FORMS - NOUN_FORMS)):
        # sharpen the gouge
        return False
    if word.endswith("ing") and word not in NO_GERUNDS and len(word) > 5:
        of_noun = (
            place > begin
            and not _is_plural(before)
            and (_begins_clause(words, begin) or words[begin - 1] in DETERMINERS)
        )
        return _is_noun_of_verb(before, after, begins_clause, of_noun)
    if word.endswith("ed") and not word.endswith("eed"):
        # donated books, but: they donated
        return place == begin and after[0].isalpha() and after not in BREAKS and before not in BE
    if place > begin and (ends or _is_plural(words[place - 1])):
        # lorries block the mirror; operators walk
        return False
    if place > begin and word in VERB_FORMS and _is_plural(word) and _is_said_of(words, begin, after):
        return False
    return word not in VERB_FORMS or word in NOUN_FORMS or word in ATTRIBUTES or before in DETERMINERS | ADJECTIVES


def _begins_clause(words: list[str], place: int) -> bool:
    return not place or not words[place - 1][0].isalnum() or words[place - 1] in ("and", "or", "but", "then")


def _is_said_of(words: list[str], begin: int, after: str) -> bool:
    """Whether a word in -s that could be both is what the noun before it does."""
    determiner = words[begin - 1] if begin else ""
    if determiner in ("a", "an", "each", "every") or after in (
        "each",
        "every",
        "when",
        "if",
        "because",
        "while",
        "until",
    ):
        # each session expires; the app crashes when
        return True
    if determiner in DETERMINERS and begin > 1 and words[begin - 2] in CONJUNCTIONS:
        # before the machine stops
        return True
    # a customer scans codes; the machine needs new needles
    return after in ADJECTIVES or after in DETERMINERS or (after not in BREAKS | VERB_FORMS and after[0].isalpha())


def _is_noun_of_verb(before: str, after: str, begins_clause: bool, of_noun: bool) -> bool:
    """Whether a word that ends in -ing is a noun: the loading dock, but not: we are loading it."""
    if after in OBJECTS or after in DETERMINERS or before in BE:
        return False
    return after not in PREPOSITIONS or begins_clause or before in DETERMINERS or of_noun


def _is_plural(word: str) -> bool:
    return (
        len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "'s")) and word not in NO_PLURALS
    )


def _cut(words: list[str], first: int, last: int) -> Iterator[tuple[int, int]]:
    """What of a row of nouns is a phrase: not a thing's owner, nor what is done with it."""
    for place in range(first, last - 1):
        if words[place].endswith("'s"):
            first = place + 1
    if last - first > 2 and words[first].endswith("ed"):
        first += 1
    if last - first > 1 and words[first].endswith("ing") and words[first] in VERB_FORMS:
        # booking team events, but: the loading dock
        first += not first or words[first - 1] not in DETERMINERS
    if last - first > 2 and words[first] in NOUN_OR_VERB and _begins_clause(words, first):
        # record crash reports
        first += 1
    while last > first and words[last - 1] in ATTRIBUTES | PARTICLES:
        last -= 1
    first = max(first, last - LONGEST)
    if last - first > 1 or (last > first and words[first].removesuffix("'s") not in WEAK and len(words[first]) > 2):
        yield first, last


def _worth(words: list[str], first: int, last: int) -> float:
    if all(word in WEAK for word in words[first:last]):
        return ATTRIBUTED if last - first > 1 else SINGLE
    if last - first == 2 and words[first] in ATTRIBUTES:
        return ATTRIBUTED
    if last - first > 1:
        return COMPOUND if last - first == 2 else LONG_COMPOUND
    if first and words[first - 1][0].isdigit():
        # 84 guests
        return VAGUE
    if words[first] in COMMON or words[first].removesuffix("s") in COMMON or words[first].removesuffix("es") in COMMON:
        return VAGUE
    if words[first] in NOUN_FORMS and not (first and words[first - 1] in DETERMINERS | ADJECTIVES | PREPOSITIONS):
        return PERHAPS_VERB
    if first and words[first - 1] in BE and not _is_plural(words[first]):
        # the path is unlit
        return PERHAPS_VERB
    return HYPHENED if "-" in words[first] else SINGLE
