package logtest

import (
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/fabric-kafka/orderer/chain/log"
)

// placed: an append reports the offset of its record, whatever shares its batch.
func (s *suite) placed() {
	l, ok := s.created().(log.Placer)
	if !ok {
		s.Skip("it does not report offsets")
	}
	const callers, each = 8, 10
	placed := make([][callers * each]bool, callers)
	var g errgroup.Group
	for c := range callers {
		g.Go(func() error {
			for i := range each {
				at, err := l.AppendAt(s.timeout(), fmt.Appendf(nil, "%d-%d", c, i))
				if err != nil || at < 0 || at >= callers*each {
					return fmt.Errorf("it is at offset %d: %w", at, err)
				}
				placed[c][at] = true
			}
			return nil
		})
	}
	s.ok(g.Wait())
	r := s.read(l.(log.Log), 0)
	for range callers * each {
		record, err := r.Next(s.timeout())
		s.ok(err)
		var c, i int
		_, err = fmt.Sscanf(string(record.Value), "%d-%d", &c, &i)
		s.ok(err)
		if !placed[c][record.Offset] {
			s.Errorf("%s is at offset %d, and its append reported another", record.Value, record.Offset)
		}
	}
	if at, err := l.AppendAt(s.timeout(), make([]byte, maxBytes+1)); err == nil || at >= 0 {
		s.Errorf("a record that is too large is at offset %d, %v", at, err)
	}
}
