// Package poll has the polls of many channels end together.
//
// A reader at the end of its topic asks the leader to answer only once there is a record, or after a while. If each such
// answer comes at a time of its own, the process is woken for each of them.
package poll

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

// Align returns how long a Fetch request asks the broker to wait for records; 0 if it is too short to be one. It makes a long
// wait end together with those of others.
func Align(request []byte, version int) time.Duration {
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
