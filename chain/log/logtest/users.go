package logtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fabric-kafka/orderer/chain/log"
)

// closeUnderUsers: a log is closed while every kind of call is in flight, and readers are
// closed while their users wait for records or ask for the source. No call continues, and
// what was acknowledged is in the log. It is meant for the race detector, too.
func (s *suite) closeUnderUsers() {
	const rounds, users = 10, 6
	acknowledged := 0
	for round := range rounds {
		l := s.created()
		var g errgroup.Group
		appended := make([]int, users)
		for u := range users {
			g.Go(func() error { return untilClosed(func() error { return s.counted(l, &appended[u]) }) })
			g.Go(func() error { return untilClosed(func() error { return readers(l) }) })
			g.Go(func() error {
				return untilClosed(func() error {
					_, err := l.Bounds(context.Background())
					return err
				})
			})
		}
		time.Sleep(time.Duration(5*round) * time.Millisecond) // so that calls are at different points
		s.ok(l.Close())
		s.ok(g.Wait())
		for _, n := range appended {
			acknowledged += n
		}
	}
	b, err := s.bounds(s.open())
	if err != nil || int(b.End) < acknowledged {
		s.Errorf("%d records are in the log, %d were acknowledged; %v", b.End, acknowledged, err)
	}
}

// untilClosed repeats a call until it returns ErrClosed, within a time limit.
func untilClosed(call func() error) error {
	for until := time.Now().Add(stepTimeout); ; {
		err := call()
		switch {
		case errors.Is(err, log.ErrClosed):
			return nil
		case time.Now().After(until):
			return fmt.Errorf("the log is not closed yet: %w", err)
		}
	}
}

func (s *suite) counted(l log.Log, acknowledged *int) error {
	err := l.Append(context.Background(), []byte("a"))
	if err == nil {
		*acknowledged++
	}
	return err
}

// readers opens a reader and closes it while it is in use.
func readers(l log.Log) error {
	r, err := l.Read(context.Background(), 0)
	if err != nil {
		return err
	}
	used := make(chan struct{})
	go func() {
		defer close(used)
		for err := error(nil); !errors.Is(err, log.ErrClosed); {
			if _, err = r.Source(context.Background()); err == nil {
				_, err = r.Next(context.Background())
			}
		}
	}()
	err = r.Close()
	<-used
	return err
}
