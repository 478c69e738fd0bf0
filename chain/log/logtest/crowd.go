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

// Number of concurrent callers of one log, and how long they append: longer if not every kind of
// outcome has occurred by then, as on a busy machine, up to a limit.
const (
	crowd      = 512
	crowdLasts = 2 * time.Second
	crowdLimit = 2 * time.Minute
)

// RunCrowd tests that many concurrent callers get correct results while attempts are
// refused, lost and acknowledged at random. It is meant for the race detector, too.
func RunCrowd(t *testing.T, h Scripter) {
	s := &suite{T: t, harness: h, topic: fmt.Sprintf("crowd-%d", time.Now().UnixNano())}
	p := &pairs{suite: s, scripter: h, log: s.created(), results: map[string]error{}}
	ctx, cancel := context.WithTimeout(context.Background(), crowdLimit)
	defer cancel()
	over := time.Now().Add(crowdLasts)
	var mu sync.Mutex // guards results and kinds
	kinds := map[string]bool{}
	var callers sync.WaitGroup
	for caller := range crowd {
		callers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				value := fmt.Sprintf("%d-%d", caller, n)
				err := p.hurried(ctx, value)
				mu.Lock()
				p.results[value] = err
				if kinds[kindOf(err)] = true; len(kinds) == outcomes && time.Now().After(over) {
					cancel()
				}
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

// answerAtRandom makes the brokers refuse everything for a while, as they do without
// rights or with a full disk, and then answer at random, in turn.
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

// hurried appends with a time limit that may end before the outcome is known.
func (p *pairs) hurried(ctx context.Context, value string) error {
	limit := stepTimeout
	if len(value)%3 == 0 {
		limit = 5 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	return p.log.Append(ctx, []byte(value))
}

// outcomes is the number of kinds of outcome, as kindOf names them.
const outcomes = 3

func kindOf(err error) string {
	switch {
	case err == nil:
		return "acknowledged"
	case log.ClassOf(err) == log.Ambiguous:
		return "ambiguous"
	}
	return "refused"
}

// enough checks that each kind of outcome has occurred.
func (p *pairs) enough() {
	happened := map[string]int{}
	for _, err := range p.results {
		happened[kindOf(err)]++
	}
	p.Logf("%v", happened)
	if len(happened) < outcomes {
		p.Errorf("the callers saw only %v", happened)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
