package chaos

import (
	"strings"
	"time"

	"github.com/fabric-kafka/orderer/network/apache"
)

// expected returns how long no append is acknowledged after a kill of that kind, by Kafka's
// settings, on an idle machine; ok is false where no setting bounds it.
//
// With acks=all an append waits for every in-sync replica. A killed one counts as in sync
// until the controller fences its broker, one session timeout after its last heartbeat. If
// the controller is killed as well, the others first elect a new one, which gives every
// broker a new session. The successor of a killed leader is elected at the fencing.
// While another replica is out of sync, the topic has too few in-sync replicas until one
// is started again and has caught up, which does not depend on Kafka's settings.
func expected(kind string) (d time.Duration, ok bool) {
	switch {
	case strings.Contains(kind, "out of sync"), strings.Contains(kind, "not known"):
		return 0, false
	case strings.Contains(kind, "the controller"):
		return apache.FetchTimeout + apache.ElectionTimeout + apache.SessionTimeout, true
	case strings.Contains(kind, "the leader"), strings.Contains(kind, "a follower"):
		return apache.SessionTimeout, true
	}
	return 0, false
}
