package logtest

import (
	"context"

	"github.com/fabric-kafka/orderer/chain/log"
)

func (s *suite) recreate() {
	l := s.created()
	s.appendAll(l, "a", "b")
	before, err := s.identity(l)
	s.ok(err)
	r := s.read(l, 0)
	s.expect(r, 0, "a", "b")
	s.comesFrom(r, before.TopicID)
	s.harness.Recreate(s.T, s.topic)
	if id, err := r.Source(s.timeout()); id == before.TopicID || err != nil && log.ClassOf(err) != log.Retryable {
		s.Fatalf("the records come from %q, %v", id, err)
	}
	after, err := s.identity(s.open())
	if err != nil || after.TopicID == before.TopicID {
		s.Fatalf("got %+v after %+v, %v", after, before, err)
	}
	if again := s.read(s.open(), 0).Term(); again == r.Term() || again.TopicID != after.TopicID {
		s.Fatalf("term %+v after %+v, of topic %s", again, r.Term(), after.TopicID)
	}
	err = s.settles(func(ctx context.Context) error {
		_, err := s.open().Read(ctx, 2)
		return err
	})
	s.fails(err, log.Fatal, log.ErrOutOfRange)
}

// comesFrom checks the source of a reader several times.
func (s *suite) comesFrom(r log.Reader, want string) {
	s.Helper()
	for range 3 {
		if id, err := r.Source(s.timeout()); id != want || err != nil {
			s.Fatalf("the records come from %q, %v, want %q", id, err, want)
		}
	}
}
