#!/bin/bash
# check.sh - looks whether an overlay can be deployed, before anything of what runs is changed.
#
#   ops/kubernetes/check.sh OVERLAY    for example ops/kubernetes/overlays/mine
#   ops/kubernetes/check.sh --help     say this
#
# It looks at the overlay (names, images), at the cluster (version, what has to be installed there, memory, secrets), and has the
# cluster look at the objects. Then jobs beside what runs start each image once, with the settings and the store, and where
# thinkRing runs already ask the new release what it thinks of the schema. The first thing that is wrong ends it, with its
# remedy. deploy.sh begins with it.

# shellcheck source=ops/kubernetes/cluster.sh
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/cluster.sh"

# sleep as a pod's last act: since this version without being asked for.
LEAST_VERSION=30

# settled KEY: its values in the overlay, a line each.
settled() { sed -nE "s/^ *(- )?$1: \"?([^\"]*)\"?\$/\2/p" "$folder/all.yaml"; }

# secrets: name and key of each that has to be there, a line each; CloudNativePG makes that of the database itself.
secrets() {
  awk '
    function tell() { if (inside && !optional && name != "database-app") print name, key; inside = 0 }
    $1 ~ /^(secretKeyRef|accessKeyId|secretAccessKey):$/ { tell(); inside = 1; optional = 0; next }
    inside && $1 == "key:" { key = $2; next }
    inside && $1 == "name:" { name = $2; next }
    inside && $1 == "optional:" { optional = $2 == "true"; next }
    { tell() }
    END { tell() }
  ' "$folder/all.yaml" | sort -u
}

look_at_the_overlay() {
  local image tags hosts names certified example
  # nginx.conf has them too, and there they are overruled (base/nginx/adapt.sh).
  example=$(grep -v server_name "$folder/all.yaml" | grep -oE '[a-z.]*example\.com' | sort -u | head -n 1) || true
  [ -z "$example" ] ||
    fail "the overlay has the example's name $example: make one of your own, as ops/kubernetes/README.md shows. Nothing was changed."
  while read -r image; do
    case ${image##*/} in
      *@sha256:*) ;;
      *:latest | *:) fail "the image $image can be another one tomorrow: set newTag to a release or a commit. Nothing was changed." ;;
      *:*) ;;
      *) fail "the image $image has no tag: set newName and newTag under images. Nothing was changed." ;;
    esac
  done < <(settled image | sort -u)
  tags=$(settled image | grep -oE 'thinkring-(backend|frontend)[:@].*' | sed -E 's/^[^:@]*[:@]//' | sort -u)
  [ "$(wc -l <<<"$tags")" = 1 ] || [[ $tags == *sha256:* ]] ||
    fail "backend and frontend are of different releases ($(paste -sd ' ' <<<"$tags")): give both the same newTag. Nothing was changed."
  names=$(settled ALLOWED_HOSTS | tr ',' '\n' | sort)
  hosts=$(settled host | sort)
  certified=$(sed -n '/^  dnsNames:$/,/^  issuerRef:$/s/^ *- //p' "$folder/all.yaml" | sort)
  [ "$names" = "$hosts" ] && [ "$names" = "$certified" ] ||
    fail "ALLOWED_HOSTS has the names $(paste -sd ' ' <<<"$names"), the Ingress $(paste -sd ' ' <<<"$hosts"), the Certificate $(paste -sd ' ' <<<"$certified"): make them the same. Nothing was changed."
}

# installed WHAT REMEDY: is it there?
installed() { kubectl get "$1" --output name >/dev/null 2>&1 || fail "$2 Nothing was changed."; }

look_at_the_cluster() {
  local version catalog
  version=$(kubectl get --raw /version 2>"$folder/output") ||
    fail "the cluster does not answer ($(tail -n 1 "$folder/output")); which one is meant says: kubectl config current-context"
  version=$(sed -nE 's/^ *"minor": "([0-9]+).*/\1/p' <<<"$version")
  [ "${version:-0}" -ge $LEAST_VERSION ] ||
    fail "the cluster is Kubernetes 1.${version:-?}, and 1.$LEAST_VERSION is the least that this works with: bring it up to date. Nothing was changed."
  installed crd/clusters.postgresql.cnpg.io 'CloudNativePG is not installed in the cluster; install it, by https://cloudnative-pg.io/docs.'
  installed crd/objectstores.barmancloud.cnpg.io \
    'the Barman Cloud plugin of CloudNativePG is not installed in the cluster; install it, by https://cloudnative-pg.io/plugin-barman-cloud.'
  installed crd/certificates.cert-manager.io 'cert-manager is not installed in the cluster; install it, by https://cert-manager.io/docs/installation.'
  catalog=$(sed -n '/kind: ClusterImageCatalog/,/name:/s/^ *name: //p' "$folder/all.yaml" | head -n 1)
  installed "clusterimagecatalog/$catalog" \
    "the catalogue of PostgreSQL's images $catalog is not in the cluster; apply it, by https://cloudnative-pg.io/docs/current/image_catalog."
  if grep -q '^kind: HorizontalPodAutoscaler' "$folder/all.yaml"; then
    kubectl get --raw /apis/metrics.k8s.io/v1beta1 >/dev/null 2>&1 ||
      fail 'nothing measures pods in the cluster, and the autoscaler needs it: install metrics-server. Nothing was changed.'
  fi
  [ -n "$(kubectl get namespaces --selector thinkring/ingress-controller=true --output name)" ] ||
    fail 'nginx would answer nobody: say where the ingress controller is: kubectl label namespace NAME thinkring/ingress-controller=true. Nothing was changed.'
}

# asked_for: how many MiB the pods of the overlay ask for while they are replaced, how many the largest of them, and whose it is.
# nginx has been replaced before the others are (deploy.sh).
asked_for() {
  awk '
    function told() {
      if (kind == "Deployment" || kind == "Cluster") {
        pod[name] = sum > first ? sum : first
        if (!(name in number)) number[name] = 1
        if (name != "nginx") surge[name] = more
      }
      sum = first = begins = inside = more = 0
    }
    /^---$/ { told() }
    /^kind: / { kind = $2 }
    /^  name: / { name = $2 }
    /^  (replicas|instances|minReplicas): / { number[name] = $2 }
    /^      maxSurge: / { more = $2 }
    # One after the other, before the containers of the pod.
    /^ +(initContainers|containers):$/ { begins = $1 == "initContainers:" }
    /^ +requests:$/ { inside = 1 }
    inside && $1 == "memory:" {
      asked = $2 ~ /Gi$/ ? $2 * 1024 : $2 + 0
      if (!begins) sum += asked
      else if (asked > first) first = asked
      inside = 0
    }
    END {
      told()
      for (name in pod) {
        total += pod[name] * (number[name] + surge[name])
        if (pod[name] > most) { most = pod[name]; whose = name }
      }
      print total, most, whose
    }
  ' "$folder/all.yaml"
}

# What else runs there is not counted: that there is room for each pod, only the cluster can say.
look_at_the_room() {
  local needed most whose there largest
  read -r needed most whose < <(asked_for)
  kubectl get nodes --output 'jsonpath={range .items[*]}{.status.allocatable.memory}{"\n"}{end}' >"$folder/nodes" 2>/dev/null || {
    echo 'The memory of the nodes was not looked at: you may not see them.'
    return
  }
  read -r there largest < <(awk '
    {
      has = $1 ~ /Ki$/ ? $1 / 1024 : $1 ~ /Mi$/ ? $1 + 0 : $1 ~ /Gi$/ ? $1 * 1024 : $1 / 1048576
      total += has
      if (has > largest) largest = has
    }
    END { print int(total), int(largest) }' "$folder/nodes")
  [ "$there" -ge "$needed" ] ||
    fail "the nodes have $there MiB of memory for pods, and the overlay asks for $needed while pods are replaced: add a node, or deploy overlays/single-node. Nothing was changed."
  [ "$largest" -ge "$most" ] ||
    fail "no node has more than $largest MiB of memory for pods, and one of $whose asks for $most: add a larger node. Nothing was changed."
}

look_at_the_secrets() {
  local name key
  kubectl get "namespace/$namespace" >/dev/null 2>&1 ||
    fail "there is no namespace for the secrets; make it: kubectl create namespace $namespace. Nothing was changed."
  while read -r name key; do
    [ -n "$(kube get secret "$name" --output "jsonpath={.data.$key}" 2>/dev/null)" ] ||
      fail "the secret $name has no $key; \"The first start\" in ops/kubernetes/README.md says how it gets there. Nothing was changed."
  done < <(secrets)
}

# The jobs cannot be changed, and are made anew each time.
let_the_cluster_look() {
  quietly 'the cluster refuses the objects, for the reasons above. Nothing was changed.' \
    kube apply --dry-run=server --filename "$folder/all.yaml" --selector 'app.kubernetes.io/name notin (check, schema, migrate)'
}

try_the_release() {
  # Under names of their own, so that what runs keeps those that it has.
  apply app.kubernetes.io/component=settings
  run_job check || {
    tail -n 30 "$folder/said" >&2
    fail "the release cannot start: ${cause%.}. What runs was not changed."
  }
}

# Where nothing runs there is nothing to break, and maybe no database; deploy.sh looks at the schema when it is there.
look_at_both_releases() {
  local running breaking
  running=$(kube get deployment backend --ignore-not-found --output name)
  [ -n "$running" ] || return 0
  look_at_the_schema
  breaking=$(sed -n 's/^breaking //p' "$folder/said" | paste -sd ' ')
  [ -z "$breaking" ] ||
    fail "the release that runs would go on for a while on a schema that nothing says it runs with ($breaking: no \`previous_release_runs = True\` in the file). Make it two releases; or, if it does run with it, say so in the file and build the images anew. What runs was not changed."
}

read_arguments "$@"
look_at_the_overlay
look_at_the_cluster
look_at_the_room
look_at_the_secrets
let_the_cluster_look
try_the_release
look_at_both_releases
echo "$1 can be deployed to $(kubectl config current-context)."
