package chaos

import (
	"strings"
	"time"

	"github.com/fabric-kafka/orderer/network/apache"
)

// expected returns how long nobody is acknowledged after a kill of that kind, by what
// Kafka is set to, on a machine that is not busy; ok is false for what no setting bounds.
//
// With acks=all an append waits for every replica that counts as in sync. One that was
// killed counts until the controller fences its broker, a session time-out after its last
// heartbeat. Where the controller is killed as well, the others first elect another, and it
// gives every broker a new session. A leader that was killed has a successor then, at once.
// While another replica is out of sync, the topic has too few of them: that lasts until
// one is started and has caught up, which is not up to Kafka.
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
