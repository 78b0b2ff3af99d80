package state

import (
	"encoding/binary"
	"slices"

	"github.com/zeebo/xxh3"
)

// idKey is an event_id as it is remembered: up to 15 bytes as they are, then their number; a longer id as 120 bits of
// its hash and 0xff. Ids are compared within one subject and event definition, where 120 bits do not collide.
type idKey [16]byte

// idSeed keys the hash of long ids. It is part of the format.
const idSeed = 0x7469_6465_6d61_726b

func keyOf(id []byte) (k idKey) {
	if len(id) < len(k) {
		copy(k[:], id)
		k[15] = byte(len(id))
		return k
	}
	h := xxh3.Hash128Seed(id, idSeed)
	binary.BigEndian.PutUint64(k[:8], h.Hi)
	binary.BigEndian.PutUint64(k[8:], h.Lo)
	k[15] = 0xff
	return k
}

// inlineIDs is how many ids stay in the head row; the others go to child rows.
const inlineIDs = 32

// The index has room for the ids of millions of events. What it has no room for is kept with the subject, in its head row at
// first. Ids beyond those in the head row are rows of their own, written blind, under the hour at which they may be forgotten:
// a bucket is dropped whole, and a subject with a million ids costs no more than a million small rows.

const hour = 3600 * 1_000_000

// keptForEver is the bucket of ids of events that are never late.
const keptForEver = 1<<32 - 1

// bucketsPerLateness bounds how many buckets an id must be looked for in.
const bucketsPerLateness = 4

// bucketWidth is how much event time one bucket of an event covers.
func bucketWidth(lateness int64) int64 {
	return max(1, (lateness+bucketsPerLateness*hour-1)/(bucketsPerLateness*hour)) * hour
}

// bucket is the hour by which every id of the bucket that t lies in is of a late event.
func bucket(lateness, t int64) uint32 {
	if lateness == forever {
		return keptForEver
	}
	w := bucketWidth(lateness)
	end := after(t-t%w+w, lateness)
	return uint32(min(max((end+hour-1)/hour, 0), keptForEver-1))
}

// expireIDs forgets the ids of events that would be late by now.
func (c *core) expireIDs(s *Subject) {
	if len(s.spills) > 0 {
		s.spills = slices.DeleteFunc(s.spills, func(b uint32) bool { return b != keptForEver && int64(b)*hour <= c.clock })
	}
	if len(s.seen) == 0 {
		return
	}
	s.seen = slices.DeleteFunc(s.seen, func(n seen) bool {
		return n.time < behind(c.clock, c.schema.events[n.event].lateness)
	})
}

// idRows are the ids that are not in the head row.
type idRows interface {
	find(event int, id *idKey) (content uint64, found bool)
	put(bucket uint32, n *seen)
}

// duplicate says whether the subject has an event of the same identity, and counts it; else it remembers the identity.
// Events without an id are told apart by their coordinates, and the positions let none of those by twice.
func (c *core) duplicate(s *Subject, ev *Event, rows idRows) bool {
	if ev.ID == nil {
		return false
	}
	identity := c.index.identityOf(ev.Def, s.id, ev.ID)
	content, found := c.index.find(identity, c.clock)
	conflict := content != ev.Content&contentMask
	if !found && len(s.seen)+len(s.spills) > 0 {
		content, found = s.hasSeen(ev, rows)
		conflict = content != ev.Content
	}
	if found {
		c.ledger.events[ev.Def].duplicate++
		if conflict {
			c.ledger.events[ev.Def].conflicts++
		}
		return true
	}
	if c.index.add(identity, ev.Content, bucket(c.schema.events[ev.Def].lateness, ev.Time)) {
		return false
	}
	s.seen = append(s.seen, seen{event: int32(ev.Def), time: ev.Time, id: keyOf(ev.ID), content: ev.Content})
	if len(s.seen) > inlineIDs {
		c.spill(s, rows)
	}
	return false
}

// hasSeen looks for an id among those that the index had no room for.
func (s *Subject) hasSeen(ev *Event, rows idRows) (content uint64, found bool) {
	key := keyOf(ev.ID)
	for i := range s.seen {
		if n := &s.seen[i]; n.id == key && int(n.event) == ev.Def {
			return n.content, true
		}
	}
	if len(s.spills) == 0 {
		return 0, false
	}
	return rows.find(ev.Def, &key)
}

// spill moves the older half of the ids to rows of their own.
func (c *core) spill(s *Subject, rows idRows) {
	n := len(s.seen) / 2
	for i := range s.seen[:n] {
		at := &s.seen[i]
		b := bucket(c.schema.events[at.event].lateness, at.time)
		rows.put(b, at)
		s.spills = insert(s.spills, b)
	}
	s.seen = slices.Delete(s.seen, 0, n)
}
