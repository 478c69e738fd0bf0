package admin_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
	"github.com/fabric-kafka/orderer/network/admin/admintest"
	"github.com/fabric-kafka/orderer/network/admin/command"
)

// Any cluster can be surveyed, without a network. Each flaw is a line of the
// table, and below it what fixes it.
func TestPreflightOfAnyTopic(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Options{Brokers: 3})
	c.Create("mine", 1, map[string]string{"min.insync.replicas": "2", "retention.ms": "1000"})
	args := []string{"preflight", "mine", "--brokers", c.Address(), "--largest-envelope", "1048576"}
	admintest.Runs(t, command.ExitRefused, []string{"flaw     retention.ms", "ok       min.insync.replicas",
		"\nretention.ms: records are deleted by age, read or not.\n  kafka-configs.sh --bootstrap-server " + c.Address() + " --alter --entity-type topics --entity-name mine --add-config retention.ms=-1\n",
		"unknown  clocks", "max.message.bytes=1057792", `topic "mine": `, "found a flaw"}, args...)

	out := admintest.Runs(t, command.ExitRefused, nil, append(args, "--json")...)
	var found []struct{ Setting, Result string }
	if err := json.Unmarshal([]byte(out), &found); err != nil || len(found) != 12 {
		t.Fatalf("%d findings, %v:\n%s", len(found), err, out)
	}

	admintest.Runs(t, command.ExitRefused, []string{"topic does not exist", "one partition"}, "preflight", "mine", "--topic", "none", "--brokers", c.Address())
}

// The brokers are reached as an orderer with that file reaches them, and nothing is wrong.
func TestPreflightAsAnOrderer(t *testing.T) {
	s := newSecured(t)
	topic, err := s.consenter().OpenTopic(nil, "mine", 10<<20)
	checktest.Must(t, err)
	defer topic.Close()
	checktest.Must(t, topic.Create(t.Context()))
	admintest.Runs(t, command.ExitFine, []string{"ok       rights on the topic"}, "preflight", "mine", "--config", s.config(orderer))
	admintest.Runs(t, command.ExitRefused, []string{"kafka-acls.sh --bootstrap-server " + strings.Join(s.Addresses(), ",") + " --command-config admin.properties --add", "admin.properties is a file of yours"},
		"preflight", "mine", "--config", s.config("topic")) // a user without rights
	s.write("password", "another\n")
	admintest.Runs(t, command.ExitUnreachable, []string{"during login"}, "preflight", "mine", "--config", s.config(orderer))
}
