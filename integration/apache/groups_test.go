package apache

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
)

// compares checks what an orderer sees of the groups of others: all of them with Read or Describe
// on the prefix, and none, without an error, with neither.
func (s *secured) compares(t *testing.T, user string, l *kafka.Log) {
	sees := func(want ...log.Progress) func() error {
		return func() error {
			got, err := l.Published(t.Context(), groups)
			if err == nil && !reflect.DeepEqual(got, want) {
				err = fmt.Errorf("published %v, want %v", got, want)
			}
			return err
		}
	}
	works(t, "see groups with Read", sees(progress))
	s.revoke(user, readGroup)
	works(t, "see no group without a right", sees())
	s.grant(user, describeGroup)
	works(t, "see groups with Describe", sees(progress))
	s.revoke(user, describeGroup)
	s.grant(user, readGroup)
	works(t, "see groups with Read again", sees(progress))
}
