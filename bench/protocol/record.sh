#!/bin/sh
# record.sh DIR [WORKERS] [TIDEMARK]: draws the protocol in parts, a file of DIR each, and prints what they have together, for results.json.
# It may be stopped at any time and goes on with what is missing. All of it takes about an hour of one processor, and up to 1.5 GB a worker.
set -eu
dir=$1 workers=${2:-2} tidemark=${3:-tidemark}
mkdir -p "$dir"
{
	for rows in A7 A8 A10 A11 'B2 B3' A6 A5 A4 A4s A6s A12 A13; do
		echo "$rows --through both"
	done
	for first in 0 60 120 180 240; do
		echo "B1 --through engine --engine-runs 60 --first $first"
		echo "A1 A2 A3 --through engine --engine-runs 60 --first $first"
		echo "A9r --through engine --engine-runs 60 --first $first"
	done
	for first in $(seq 0 15 285); do
		echo "A9 --through engine --engine-runs 15 --first $first"
	done
	for rows in B1 A9 A9r 'A1 A2 A3'; do
		echo "$rows --through package"
	done
} | xargs -P "$workers" -I ARGS sh -c '
	part="$1/$(echo "$2" | tr " " _).json"
	[ -e "$part" ] && exit
	# A part of few experiments may well be outside of a tolerance: exit 1. What counts is what all have together.
	"$0" simulate $2 --seed 1 --workers 1 -q --save "$part.part" >"$part.txt" || [ $? = 1 ] || exit 0
	mv "$part.part" "$part"
' "$tidemark" "$dir" ARGS
exec "$tidemark" simulate --from "$(echo "$dir"/*.json | tr ' ' ,)" -o json
