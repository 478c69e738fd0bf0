package logtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// Crowd of callers of one log, and how long they append.
const (
	crowd      = 512
	crowdLasts = 2 * time.Second
)

// RunCrowd tests that many callers come to no harm, and are told the truth, while
// attempts are refused, lost and acknowledged at random. It is for the race detector, too.
func RunCrowd(t *testing.T, h Scripter) {
	s := &suite{T: t, harness: h, topic: fmt.Sprintf("crowd-%d", time.Now().UnixNano())}
	p := &pairs{suite: s, scripter: h, log: s.created(), told: map[string]error{}}
	ctx, cancel := context.WithTimeout(context.Background(), crowdLasts)
	defer cancel()
	var mu sync.Mutex // of told
	var callers sync.WaitGroup
	for caller := range crowd {
		callers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				value := fmt.Sprintf("%d-%d", caller, n)
				err := p.impatient(ctx, value)
				mu.Lock()
				p.told[value] = err
				mu.Unlock()
			}
		})
	}
	p.answerAtRandom(ctx)
	callers.Wait()
	h.Script(t, s.topic)
	p.recovers(p.log)
	p.count()
	for _, fault := range p.faults {
		t.Error(fault)
	}
	p.enough()
}

// answerAtRandom has the brokers refuse everything for a while, as they do without
// rights or with a full disk, and answer at random after that.
func (p *pairs) answerAtRandom(ctx context.Context) {
	random, answers := rand.New(rand.NewPCG(1, 2)), Answers()
	for round := 0; ctx.Err() == nil; round++ {
		script := []Answer{{Code: 29, Certain: true}}
		for range round % 2 * random.IntN(30) {
			script = append(script, answers[random.IntN(len(answers))], Acknowledged)
		}
		p.scripter.Script(p.T, p.topic, script...)
		sleep(ctx, time.Duration(random.IntN(100))*time.Millisecond)
	}
}

// impatient appends, and may go before it knows what came of it.
func (p *pairs) impatient(ctx context.Context, value string) error {
	limit := patience
	if len(value)%3 == 0 {
		limit = 5 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	return p.log.Append(ctx, []byte(value))
}

// enough makes sure that each kind of outcome has happened.
func (p *pairs) enough() {
	happened := map[string]int{}
	for _, err := range p.told {
		switch {
		case err == nil:
			happened["acknowledged"]++
		case log.ClassOf(err) == log.Ambiguous:
			happened["ambiguous"]++
		default:
			happened["denied"]++
		}
	}
	p.Logf("%v", happened)
	if len(happened) < 3 {
		p.Errorf("the crowd met only %v", happened)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
