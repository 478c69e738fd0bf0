package apache

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/network/apache"
)

// Brokers freeze one after another, on a topic that requires all of them in sync: an
// attempt is appended and times out, or fails with NOT_ENOUGH_REPLICAS_AFTER_APPEND,
// and later ones are refused. No value whose append was reported as failed is in the
// log, and each acknowledged value is in it once.
func TestDenialsAreTrue(t *testing.T) {
	onEachVersion(t, func(t *testing.T, v apache.Version) {
		c := newCluster(t, v, nodes)
		c.Settings = []string{"replica.lag.time.max.ms=1500"}
		c.start()
		l, err := kafka.Open(kafka.Config{Brokers: c.addresses(), RetryBackoff: 20 * time.Millisecond, ReadTimeout: 2 * time.Second,
			Settings: log.Settings{ReplicationFactor: nodes, MinInsyncReplicas: nodes, MaxMessageBytes: 1 << 20}}, "denials")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		c.until("create the topic", l.Create)
		outcomes := c.freezing(l)
		denied, unknown, acknowledged := c.compare(l, outcomes)
		t.Logf("%d appends were acknowledged, %d denied, %d ambiguous", acknowledged, denied, unknown)
		if acknowledged == 0 || denied == 0 || unknown == 0 {
			t.Error("not every outcome occurred")
		}
	})
}

// freezing appends values while brokers freeze and returns the error of each append by value.
func (c *cluster) freezing(l log.Log) map[string]error {
	const callers, rounds = 32, 4
	ctx, cancel := context.WithCancel(c.t.Context())
	var mu sync.Mutex
	var together sync.WaitGroup
	outcomes := map[string]error{}
	for caller := range callers {
		together.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				value := fmt.Sprintf("%d-%d", caller, n)
				limited, free := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
				err := l.Append(limited, []byte(value))
				free()
				mu.Lock()
				outcomes[value] = err
				mu.Unlock()
				time.Sleep(20 * time.Millisecond) // as a client does
			}
		})
	}
	for round := range rounds {
		c.signal(round%nodes, syscall.SIGSTOP)
		time.Sleep(7 * time.Second)
		c.signal(round%nodes, syscall.SIGCONT)
		time.Sleep(3 * time.Second)
	}
	cancel()
	together.Wait()
	return outcomes
}

// compare reads the whole log, checks it against the outcomes of the appends, and counts these.
func (c *cluster) compare(l log.Log, outcomes map[string]error) (denied, unknown, acknowledged int) {
	c.until("append the last record", func(ctx context.Context) error { return l.Append(ctx, []byte("last")) })
	copies := map[string]int{}
	var r log.Reader
	c.until("read", func(ctx context.Context) (err error) {
		r, err = l.Read(ctx, 0)
		return err
	})
	defer r.Close()
	for copies["last"] == 0 {
		var record log.Record
		c.until("read the next record", func(ctx context.Context) (err error) {
			record, err = r.Next(ctx)
			return err
		})
		copies[string(record.Value)]++
	}
	for value, err := range outcomes {
		n, class := copies[value], log.ClassOf(err)
		switch {
		case err == nil:
			acknowledged++
		case class == log.Ambiguous:
			unknown++
		default:
			denied++
		}
		if n > 1 || err == nil && n == 0 || err != nil && class != log.Ambiguous && n > 0 {
			c.t.Errorf("%s is in the log %d times: %v (class %v)", value, n, err, class)
		}
	}
	return denied, unknown, acknowledged
}
