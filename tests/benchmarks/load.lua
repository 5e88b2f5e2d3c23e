-- What wrk sends, as bench.py says it in the environment: the requests in turn, with a pause before each if there is one.

local plan = dofile(os.getenv("BENCH_PLAN"))
local port = os.getenv("BENCH_PORT")
local think = tonumber(os.getenv("BENCH_THINK"))
local number = 0

math.randomseed(tonumber(os.getenv("BENCH_SEED")))

-- The stack's names lead to this machine.
if port then
   function wrk.resolve()
      wrk.addrs = wrk.lookup("127.0.0.1", port)
      return #wrk.addrs > 0
   end
end

if think then
   function delay()
      return math.random(math.floor(think / 2), math.ceil(think * 3 / 2))
   end
end

local function uuid()
   return (string.gsub("xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx", "x", function()
      return string.format("%x", math.random(0, 15))
   end))
end

function init()
   for _, request in ipairs(plan) do
      if not request.body or not string.find(request.body, "{id}", 1, true) and not string.find(request.body, "{number}", 1, true) then
         request.written = wrk.format(request.method, request.path, request.headers, request.body)
      end
   end
end

function request()
   number = number + 1
   local next = plan[(number - 1) % #plan + 1]
   if next.written then
      return next.written
   end
   local body = string.gsub(string.gsub(next.body, "{id}", uuid), "{number}", number)
   return wrk.format(next.method, next.path, next.headers, body)
end

function done(summary, latency)
   local errors = summary.errors
   local wrong = errors.status + errors.connect + errors.read + errors.write + errors.timeout
   print(string.format("BENCH %d %d %d %d", summary.requests, summary.duration, wrong, summary.bytes))
   for place = 1, #latency do
      print(string.format("BENCH %d %d", latency(place)))
   end
end
