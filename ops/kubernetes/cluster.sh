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

# run_job NAME: has it done, and waits; what it said is in $folder/said. On failure $cause says why.
# shellcheck disable=SC2034
run_job() {
  local end=$((SECONDS + job_deadline)) conditions waiting
  quietly "the job $1 of an earlier run cannot be removed." kube delete job "$1" --ignore-not-found --wait
  apply "app.kubernetes.io/name=$1"
  while [ $SECONDS -lt "$end" ]; do
    conditions=$(kube get job "$1" --output 'jsonpath={range .status.conditions[?(@.status=="True")]}{.type}{"\n"}{end}')
    kube logs "job/$1" --tail 30 >"$folder/said" 2>/dev/null || true
    if grep -qx Complete <<<"$conditions"; then return 0; fi
    if grep -qx Failed <<<"$conditions"; then
      cause="its last line was: $(tail -n 1 "$folder/said")"
      return 1
    fi
    waiting=$(kube get pods --selector "batch.kubernetes.io/job-name=$1" \
      --output 'jsonpath={range .items[*].status.containerStatuses[*].state.waiting}{.reason}: {.message}{"\n"}{end}')
    if grep -E '^(ErrImagePull|ImagePullBackOff|InvalidImageName|CreateContainerConfigError): ' <<<"$waiting" >"$folder/waiting"; then
      cause=$(head -n 1 "$folder/waiting")
      quietly "the job $1 cannot be removed." kube delete job "$1" --wait=false
      return 1
    fi
    sleep 2
  done
  cause="it was not done within $job_deadline seconds"
  return 1
}
