#!/usr/bin/env bash
# Goes through each way to run the workflow with one small target, and says which of them were done as a
# user would and which by a stand-in. Set GLIOMAKE_DOORS=container to go through some of them only;
# the container's stand-in takes several GB and minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
bin=${GLIOMAKE_BIN:-$repository/.venv/bin}
wanted=${GLIOMAKE_DOORS:-clone folder module git snakedeploy conda container}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
target=results/coco-unet/figures/sample-masks.svg
small='{studies: [coco-unet], phantoms: {coco: {patients: 6, size: 32}}}'
said=()

says() { said+=("$1: $2"); echo "== $1: $2"; }
wants() { case " $wanted " in *" $1 "*) ;; *) return 1 ;; esac; }
# The files of the checkout as they are now, committed: what a user would clone.
mkdir "$scratch/copy"
if git rev-parse >/dev/null 2>&1; then
  git ls-files -z --cached --others --exclude-standard >"$scratch/files"
else
  find . -type d \( -name .venv -o -name .snakemake -o -name results -o -name resources \) -prune -o -type f -print0 >"$scratch/files"
fi
tar --create --no-recursion --null --files-from="$scratch/files" | tar --extract --directory "$scratch/copy"
git -C "$scratch/copy" init --quiet --initial-branch=main
git -C "$scratch/copy" add --all
git -C "$scratch/copy" -c user.name=doors -c user.email=doors@localhost commit --quiet --message "as it is"
git -C "$scratch/copy" tag v0.0.0
# No network: git takes this copy for what lies under the name of the host.
export GIT_CONFIG_COUNT=1 XDG_CACHE_HOME=$scratch/cache
export GIT_CONFIG_KEY_0=url.file://$scratch/copy.insteadOf GIT_CONFIG_VALUE_0=https://github.com/somebody/gliomake
export PATH=$bin:$PATH

build() { # <log> <arguments ...>: run Snakemake here, and see that the target is there
  local log=$scratch/$1.log
  shift
  if ! snakemake --cores 2 "$@" >"$log" 2>&1 || [ ! -s "$target" ]; then
    tail -40 "$log"
    echo "failed: snakemake --cores 2 $* (in $PWD)" >&2
    exit 1
  fi
}
configured() { mkdir -p config && echo "$small" >config/config.yaml; }

if wants clone; then
  git clone --quiet "$scratch/copy" "$scratch/clone"
  (cd "$scratch/clone" && build clone "$target" --config 'phantoms={coco: {patients: 6, size: 32}}')
  says clone "a clone, snakemake in it (real)"
fi
if wants folder; then
  mkdir "$scratch/folder"
  (cd "$scratch/folder" && configured)
  (cd "$scratch/folder" && build folder --snakefile "$scratch/copy/workflow/Snakefile" --directory "$scratch/folder" "$target")
  says folder "--directory on a folder with its own config/config.yaml (real)"
fi
if wants module; then
  mkdir "$scratch/module"
  cat >"$scratch/module/Snakefile" <<SNAKEFILE
module gliomake:
    snakefile: "$scratch/copy/workflow/Snakefile"
    config: $(python -c "import yaml; print(yaml.safe_load('$small'))")

use rule * from gliomake
SNAKEFILE
  (cd "$scratch/module" && build module "$target")
  says module "module with a path (real)"
fi
if wants git; then
  mkdir "$scratch/git"
  cat >"$scratch/git/Snakefile" <<SNAKEFILE
module gliomake:
    snakefile: github("somebody/gliomake", path="workflow/Snakefile", tag="v0.0.0")
    config: $(python -c "import yaml; print(yaml.safe_load('$small'))")

use rule * from gliomake
SNAKEFILE
  (cd "$scratch/git" && build git "$target")
  says git "module with github(...) (stand-in: a local repository under the host's name)"
fi
if wants snakedeploy; then
  if command -v snakedeploy >/dev/null; then
    snakedeploy deploy-workflow https://github.com/somebody/gliomake "$scratch/deployed" --tag v0.0.0 >"$scratch/deploy.log" 2>&1 \
      || { tail -20 "$scratch/deploy.log"; exit 1; }
    (cd "$scratch/deployed" && configured && build snakedeploy "$target")
    says snakedeploy "snakedeploy deploy-workflow (stand-in: a local repository under the host's name)"
  else
    says snakedeploy "left out: no snakedeploy in $bin"
  fi
fi
if wants conda; then
  way="real"
  if ! command -v conda >/dev/null; then
    mkdir "$scratch/conda" && cp .ci/conda-stand-in "$scratch/conda/conda"
    PATH=$scratch/conda:$PATH
    way="stand-in: no conda here, and no environment was made"
  fi
  (cd "$scratch/copy" && snakemake --containerize 2>/dev/null >"$scratch/Dockerfile")
  diff "$scratch/Dockerfile" workflow/containers/Dockerfile
  says conda "snakemake --containerize writes workflow/containers/Dockerfile ($way)"
fi
if wants container; then
  engine=
  for each in docker podman; do
    if [ -z "$engine" ] && command -v $each >/dev/null && $each info >/dev/null 2>&1; then engine=$each; fi
  done
  mkdir "$scratch/container"
  if [ -n "$engine" ]; then
    $engine build --quiet --tag gliomake-doors --file Containerfile "$scratch/copy" >/dev/null
    (cd "$scratch/container" && configured && $engine run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/work" \
      gliomake-doors --cores 2 "$target" && test -s "$target")
    says container "image of Containerfile, built and run by $engine (real)"
  else
    export VENV=$scratch/venv APP=$scratch/copy TORCH_BACKEND=${TORCH_BACKEND-}
    python .ci/containerfile.py Containerfile >"$scratch/build.sh"
    # An empty name of torch's build is none at all.
    # shellcheck disable=SC2016
    [ -n "$TORCH_BACKEND" ] || sed -i 's/^UV_TORCH_BACKEND="$TORCH_BACKEND" //' "$scratch/build.sh"
    bash "$scratch/build.sh"
    (cd "$scratch/container" && configured && PATH=$VENV/bin:$PATH && build container --snakefile "$APP/workflow/Snakefile" "$target")
    says container "RUN lines of Containerfile in a fresh folder, then its start (stand-in: no container engine; system packages left out)"
  fi
fi
printf '\n%s\n' "Ways to run:"
printf -- '- %s\n' "${said[@]}"
