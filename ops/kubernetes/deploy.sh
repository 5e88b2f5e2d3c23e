#!/bin/bash
# deploy.sh - installs an overlay in the cluster, or brings what runs there to it.
#
#   ops/kubernetes/deploy.sh OVERLAY    for example ops/kubernetes/overlays/mine
#   ops/kubernetes/deploy.sh --help     say this
#
# In this order: check.sh; a backup, if there is none of the last 24 hours; settings, policies and the database, at whose
# schema a first start looks now; the migration, by the new image; nginx, which then has the files of the new release; backend
# and frontend. Each waits until the one before is done. What fails ends it: before the migration nothing that runs has
# changed, and later the pods of the release before go on answering, and are all that is left.

# shellcheck source=ops/kubernetes/cluster.sh
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/cluster.sh"

declare -A revision
started=$SECONDS

# reached SENTENCE: how far it is, and after how many seconds.
reached() { printf '%4d s  %s\n' "$((SECONDS - started))" "$*"; }

# revision_of DEPLOYMENT: its number of the present pods; nothing when it is not there.
revision_of() {
  kube get deployment "$1" --ignore-not-found --output 'jsonpath={.metadata.annotations.deployment\.kubernetes\.io/revision}'
}

# back_up: unless there is a backup of the last 24 hours.
back_up() {
  local newest cluster name
  newest=$(kube get backups.postgresql.cnpg.io \
    --output 'jsonpath={range .items[?(@.status.phase=="completed")]}{.status.stoppedAt}{"\n"}{end}' | sort | tail -n 1)
  if [ -n "$newest" ] && [ "$(date -d "$newest" +%s)" -gt $(($(date +%s) - 86400)) ]; then
    reached "There is a backup of $newest."
    return
  fi
  # A database that was restored has another name.
  cluster=$(kube get scheduledbackup nightly --output 'jsonpath={.spec.cluster.name}')
  name=$(kube create --filename - --output name <<YAML
apiVersion: postgresql.cnpg.io/v1
kind: Backup
metadata:
  generateName: before-deploy-
spec:
  cluster:
    name: $cluster
  method: plugin
  pluginConfiguration:
    name: barman-cloud.cloudnative-pg.io
YAML
  )
  quietly "there is no backup of the last 24 hours, and none could be made: kubectl --namespace $namespace describe $name. Nothing was changed." \
    kube wait "$name" --for=jsonpath='{.status.phase}'=completed --timeout=30m
  reached 'Made a backup.'
}

# roll_out SELECTOR DEPLOYMENT...: until all of their pods are of the new release.
roll_out() {
  local deployment
  apply "$1"
  for deployment in "${@:2}"; do
    kube rollout status "deployment/$deployment" --timeout=10m >"$folder/output" 2>&1 || {
      kube logs "deployment/$deployment" --all-containers --tail 20 >&2 || true
      go_back
      fail "the new pods of $deployment do not become ready; their last lines are above. The release before answers."
    }
  done
}

# go_back: whatever has new pods gets those of before.
go_back() {
  local deployment
  for deployment in "${!revision[@]}"; do
    [ "$(revision_of "$deployment")" = "${revision[$deployment]}" ] ||
      kube rollout undo "deployment/$deployment" --to-revision="${revision[$deployment]}" >&2
  done
}

read_arguments "$@"
"$(dirname "$(readlink -f "$0")")/check.sh" "$1"
for deployment in nginx frontend backend; do
  number=$(revision_of "$deployment")
  if [ -n "$number" ]; then revision[$deployment]=$number; fi
done
if [ -n "${revision[backend]:-}" ]; then back_up; fi

apply '!app.kubernetes.io/name'
quietly "the database is not there: kubectl --namespace $namespace describe clusters.postgresql.cnpg.io" \
  kube wait clusters.postgresql.cnpg.io --selector app.kubernetes.io/component=database --for=condition=Ready --timeout=15m
reached 'The database answers.'
# It may have been restored, from a newer release.
[ -n "${revision[backend]:-}" ] || look_at_the_schema
run_job migrate || {
  cat "$folder/said" >&2
  fail "the migration failed: ${cause%.}. The release before answers as it did."
}
reached 'The schema is that of the release.'
roll_out app.kubernetes.io/name=nginx nginx
reached 'nginx has the files of the release.'
roll_out 'app.kubernetes.io/name,app.kubernetes.io/name notin (check, schema, migrate, nginx)' backend frontend
reached "$1 is deployed."
