package admin_test

import (
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/network/admin/admintest"
)

// publishes has orderers publish for a channel.
func (s *secured) publishes(channel string, all ...log.Progress) {
	s.t.Helper()
	l, err := s.consenter().OpenTopic(nil, channel, 1<<20)
	checktest.Must(s.t, err)
	defer l.Close()
	for _, p := range all {
		checktest.Must(s.t, l.Publish(s.t.Context(), p))
	}
}

// Each command does its work as the principal that has its rights alone, and not without any
// one of them.
func TestLeastPrivilege(t *testing.T) {
	s := newSecured(t)
	c := s.consenter()
	channel := admintest.NewChannel(t, c, "mine", s.Addresses(), 12)
	old := admintest.NewChannel(t, c, "old", s.Addresses(), 2)
	s.publishes("mine", channel.Progress(t, "Org.orderer1"), channel.Progress(t, "Org.orderer2"))
	admintest.LeastPrivilege(t, admintest.Cluster{Grant: s.grant, Revoke: s.revoke, Config: s.config,
		User: func(command string) string { return command }}, channel, old)
}
