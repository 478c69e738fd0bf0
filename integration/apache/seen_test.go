package apache

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hyperledger/fabric/common/flogging"
	"github.com/hyperledger/fabric/orderer/common/types"
	"github.com/hyperledger/fabric/orderer/consensus"

	"github.com/fabric-kafka/orderer/chain/chaintest"
)

// orderersLog keeps the log of the orderers in this process, which may be all that
// an operator sees of why one is cut off.
type orderersLog struct {
	to io.Writer

	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *orderersLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(b)
	return l.to.Write(b)
}

// keepLog keeps what is logged until the test ends.
func keepLog(t *testing.T) *orderersLog {
	l := &orderersLog{to: io.Discard}
	l.to = flogging.SetWriter(l)
	t.Cleanup(func() { flogging.SetWriter(l.to) })
	return l
}

// cutOffs returns the errors that cut a channel off, from the log.
func (l *orderersLog) cutOffs(t *testing.T, channel string) (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := regexp.MustCompile(`Cut off from the topic; trying again channel=` + regexp.QuoteMeta(channel) + ` after=\S+ error=(".*")\n`)
	for _, match := range line.FindAllSubmatch(l.text.Bytes(), -1) {
		text, err := strconv.Unquote(string(match[1]))
		if err != nil {
			t.Fatalf("%s: %v", match[1], err)
		}
		all = append(all, text)
	}
	return all
}

var (
	port  = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	stamp = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:]+Z`)
	since = regexp.MustCompile(` \(for [0-9.msh]+ now\)$`)
)

// plain returns a text with ports and times replaced, and with one name for a client certificate that is missing: TLS 1.3
// calls it required, and Java before 17.0.21 calls it bad.
func plain(text string) string {
	text = strings.ReplaceAll(text, "remote error: tls: bad certificate", "remote error: tls: certificate required")
	return stamp.ReplaceAllString(port.ReplaceAllString(since.ReplaceAllString(text, ""), "127.0.0.1:PORT"), "TIME")
}

// reports waits until a client's envelope is refused with exactly this reason (ports and times
// replaced), the log has the same reason, and the channel's status is inactive.
func (s *secured) reports(t *testing.T, c consensus.Chain, ledger *chaintest.Ledger, reason string) {
	t.Helper()
	logged := fmt.Sprintf("identity topic %q: kafka: client has run out of available brokers to talk to: %s", ledger.ChannelID(), reason)
	refusal := "the channel is not ready on this orderer: " + logged
	eventually(t, refusal, func() (bool, any) {
		err := c.Order(chaintest.Envelope(ledger.ChannelID(), "refused"), ledger.Sequence())
		if err == nil {
			t.Fatal("the envelope is ordered")
		}
		return plain(err.Error()) == refusal, plain(err.Error())
	})
	eventually(t, "the log has "+logged, func() (bool, any) {
		all := s.log.cutOffs(t, ledger.ChannelID())
		return len(all) > 0 && plain(all[len(all)-1]) == logged, all
	})
	eventually(t, "the status is inactive", func() (bool, any) {
		_, status := c.(consensus.StatusReporter).StatusReport()
		return status == types.StatusInactive, status
	})
}
