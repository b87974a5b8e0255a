#!/bin/sh
# Retrain from the log, for cron. Exit status: 0 live, 3 kept back by a gate, 2 unusable or nothing new, 1 failure.
set -u
cd "$1" || exit 1                         # folder of the course, with .venv
run=$2; shift 2                           # folder of the run; the rest goes to retrain
export HF_HUB_OFFLINE=1
mkdir -p "$run/retrain_log"
log="$run/retrain_log/$(date -u +%Y-%m-%dT%H%MZ).txt"
nice -n 10 .venv/bin/python -m tutorial_lib retrain "$run" "$@" >"$log" 2>&1
status=$?
case $status in
  0|3) tail -n 1 "$log" ;;                # cron mails what is printed: one line a month
  *) tail -n 5 "$log" >&2 ;;
esac
exit $status
