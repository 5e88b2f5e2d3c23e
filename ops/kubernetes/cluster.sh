#!/bin/bash
# cluster.sh - what the scripts of this folder share. They source it; by itself it only says this.
#
# It knows the namespace, and its functions are below. What kubectl's current context names is the cluster.

set -euo pipefail

script=$(basename "$0")
namespace=thinkring
# Seconds that a job may take to be done, its image being pulled included.
job_deadline=1800

# usage: the comment at the head of the script.
usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; }

# fail SENTENCE...: it was tried, and did not work.
fail() {
  printf '%s: %s\n' "$script" "$*" >&2
  exit 1
}

# refuse SENTENCE...: it was called wrongly, and nothing was tried.
refuse() {
  printf '%s: %s\n' "$script" "$*" >&2
  exit 2
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  usage
  exit
fi
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../schema/harmless.sh"

kube() { kubectl --namespace "$namespace" "$@"; }

# quietly SENTENCE COMMAND...: what it says is shown only when it fails.
quietly() { "${@:2}" >"$folder/output" 2>&1 </dev/null || { tail -n 20 "$folder/output" >&2; fail "$1"; }; }

# read_arguments OVERLAY: its objects into $folder/all.yaml.
read_arguments() {
  case ${1:-} in
    '') refuse "name an overlay, for example ops/kubernetes/overlays/production; see $script --help." ;;
    --help) usage && exit ;;
    -*) refuse "there is no option $1; see $script --help." ;;
  esac
  [ $# = 1 ] || refuse "it takes one overlay; see $script --help."
  [ -e "$1/kustomization.yaml" ] || refuse "$1 is no overlay: it has no kustomization.yaml."
  command -v kubectl >/dev/null || fail 'kubectl is not installed: https://kubernetes.io/docs/tasks/tools/'
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  quietly "kustomize cannot render $1. Nothing was changed." kubectl kustomize "$1" --output "$folder/all.yaml"
}

# apply SELECTOR: the objects of the overlay with these labels. Only what runs has a label app.kubernetes.io/name.
apply() {
  quietly 'the cluster refused these objects.' kube apply --filename "$folder/all.yaml" --selector "$1"
}

# containers NAME WHAT: a line for each container of the job's pod, those that begin before it first; WHAT is of its state.
containers() {
  kube get pods --selector "batch.kubernetes.io/job-name=$1" \
    --output "jsonpath={range .items[*].status['initContainerStatuses','containerStatuses'][*]}$2{\"\\n\"}{end}"
}

# run_job NAME: has it done, and waits; what it said is in $folder/said. On failure $cause says why.
# shellcheck disable=SC2034
run_job() {
  local end=$((SECONDS + job_deadline)) condition
  quietly "the job $1 of an earlier run cannot be removed." kube delete job "$1" --ignore-not-found --wait
  apply "app.kubernetes.io/name=$1"
  while [ $SECONDS -lt "$end" ]; do
    condition=$(kube get job "$1" --output 'jsonpath={range .status.conditions[?(@.status=="True")]}{.type}: {.message}{"\n"}{end}')
    kube logs "job/$1" >"$folder/said" 2>/dev/null || true
    if grep -q '^Complete: ' <<<"$condition"; then return 0; fi
    if grep -q '^Failed: ' <<<"$condition"; then
      if [ -s "$folder/said" ]; then
        cause="its last line was: $(tail -n 1 "$folder/said")"
      else
        # It did not come to speak: of what begins before it something failed, or there was no time left.
        cause=$(containers "$1" '{.state.terminated.exitCode} {.name}: {.state.terminated.message}' | sed -n 's/^[1-9][0-9]* //p' | head -n 1)
        cause=${cause:-$(sed -n 's/^Failed: //p' <<<"$condition")}
      fi
      return 1
    fi
    cause=$(containers "$1" '{.state.waiting.reason}: {.state.waiting.message}' |
      grep -m 1 -E '^(ErrImagePull|ImagePullBackOff|InvalidImageName|CreateContainerConfigError): ') && {
      if [[ $cause != CreateContainer* ]]; then cause="${cause%.}. Push it, or set newName and newTag to what is there"; fi
      quietly "the job $1 cannot be removed." kube delete job "$1" --wait=false
      return 1
    }
    sleep 2
  done
  cause="it was not done within $job_deadline seconds"
  return 1
}

# look_at_the_schema: what the release thinks of it, into $folder/said (ops/schema/schema.py). What the release does not know has
# to be harmless.
look_at_the_schema() {
  local migration unsafe=()
  run_job schema || {
    tail -n 30 "$folder/said" >&2
    fail "the new backend cannot look at the schema: ${cause%.}. What runs was not changed."
  }
  grep -qx looked "$folder/said" || fail 'what the new backend says of the schema was cut short; run this again. What runs was not changed.'
  while read -r migration; do
    is_harmless "$migration" || unsafe+=("$migration")
  done < <(sed -n 's/^surplus //p' "$folder/said")
  [ ${#unsafe[@]} = 0 ] ||
    fail "nothing says that the release runs on the newer schema (${unsafe[*]}: no \`previous_release_runs = True\` in the file). Deploy a release that knows it; or, if you know that this one runs on it, see \"Back to the release before\" in ops/kubernetes/README.md. What runs was not changed."
}
