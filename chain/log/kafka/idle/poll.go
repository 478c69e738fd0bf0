// Package idle keeps channels without records cheap: the polls of many of them end together, and sarama measures nothing.
package idle

import (
	"encoding/binary"
	"time"
)

const (
	// sizeHead is the size of a request before its client's name: size, key, version, correlation id and the length of the
	// name.
	sizeHead = 4 + 2 + 2 + 4 + 2
	// sizeReplica is the size of the id of a replica, which precedes the wait.
	sizeReplica = 4
	// flexible is the first version of Fetch whose header has tags; there are none.
	flexible = 12
	// tick is what the ends of polls are multiples of, on the clock.
	tick = 250 * time.Millisecond
	// alignable is the shortest poll that ends earlier because of that.
	alignable = 4 * tick
)

// AlignPoll returns how long a Fetch request asks the broker to wait for records; 0 if it is too short to be one. It makes a long
// wait end together with those of others: the answers to the polls of many channels, each at a time of its own, would wake
// the process for each of them.
func AlignPoll(request []byte, version int) time.Duration {
	if len(request) < sizeHead {
		return 0
	}
	at := sizeHead + int(binary.BigEndian.Uint16(request[sizeHead-2:])) + sizeReplica
	if version >= flexible {
		at++
	}
	if len(request) < at+4 {
		return 0
	}
	wait := time.Duration(binary.BigEndian.Uint32(request[at:])) * time.Millisecond
	if wait >= alignable {
		now := time.Now()
		wait = now.Add(wait).Truncate(tick).Sub(now)
		binary.BigEndian.PutUint32(request[at:], uint32(wait/time.Millisecond))
	}
	return wait
}
