#!/usr/bin/env bash
# A SLURM cluster of one node on this machine's loopback, for tests: with a GPU that is none
# (/dev/null), and with more processors and memory than there are, so that every job finds room.
# Needs root and Debian's packages slurm-wlm and munge.
#   cluster.sh start FOLDER     FOLDER keeps state, spool and logs
#   cluster.sh stop FOLDER
# Snakemake's executor drops SLURM_* variables from a job's environment, so the configuration must
# lie at /etc/slurm; one that is not ours is never touched.
set -euo pipefail
action=$1 folder=$2
mark="# Written by gliomake's tests/slurm/cluster.sh"
node=$(hostname -s)

ours() { [ ! -e "$1" ] || head -n 1 "$1" | grep -qF "$mark"; }

configure() {
  for file in /etc/slurm/slurm.conf /etc/slurm/gres.conf; do
    ours "$file" || { echo "$file is of another cluster; it is left as it is" >&2; exit 3; }
  done
  mkdir -p /etc/slurm "$folder"/{state,spool,log}
  cat >/etc/slurm/slurm.conf <<CONF
$mark
ClusterName=test
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
ReturnToService=2
MinJobAge=600
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
GresTypes=gpu
NodeName=$node NodeAddr=127.0.0.1 CPUs=8 RealMemory=64000 Gres=gpu:1 State=UNKNOWN
PartitionName=cpu Nodes=$node Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=$node MaxTime=INFINITE State=UP
CONF
  printf '%s\nName=gpu File=/dev/null\n' "$mark" >/etc/slurm/gres.conf
}

start() {
  configure
  [ -s /etc/munge/munge.key ] || mungekey --create
  install -d -o munge -g munge -m 0755 /run/munge /var/log/munge /var/lib/munge
  if ! munge -n >/dev/null 2>&1; then
    runuser -u munge -- /usr/sbin/munged
    touch "$folder/munged.started"
  fi
  slurmctld
  slurmd
  for _ in $(seq 100); do
    if sinfo --noheader --format %T 2>/dev/null | grep -q idle; then
      return
    fi
    sleep 0.2
  done
  echo "the node is not ready after 20 s:" >&2
  tail -n 20 "$folder"/log/*.log >&2
  exit 1
}

stop() {
  for daemon in slurmd slurmctld; do
    [ -s "$folder/$daemon.pid" ] && kill "$(cat "$folder/$daemon.pid")" 2>/dev/null || true
  done
  for file in /etc/slurm/slurm.conf /etc/slurm/gres.conf; do
    ours "$file" && rm -f "$file"
  done
  if [ -e "$folder/munged.started" ]; then
    runuser -u munge -- /usr/sbin/munged --stop >/dev/null
  fi
}

"$action"
