package survey_test

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

var everyCheck = []string{"partitions", "replication factor", "in-sync replicas", "min.insync.replicas", "unclean.leader.election.enable", "cleanup.policy",
	"retention.ms", "retention.bytes", "max.message.bytes", "rights on the topic", "brokers' release", "clocks"}

// survey returns the findings by setting.
func survey(t *testing.T, l log.Log) map[string]log.Finding {
	t.Helper()
	found, err := l.Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]log.Finding{}
	for _, f := range found {
		all[f.Setting] = f
	}
	return all
}

func hasResult(t *testing.T, all map[string]log.Finding, want log.Result, settings ...string) {
	t.Helper()
	for _, s := range settings {
		if all[s].Result != want {
			t.Errorf("%s: %v %q, want %v", s, all[s].Result, all[s], want)
		}
	}
}

// A topic that Create created passes every check, once it has a record with a timestamp.
func TestSurveyOfOurTopic(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHarness(t, 3)
	l := h.Open(t, "ours", log.Settings{ReplicationFactor: 3, MaxMessageBytes: 1 << 20})
	defer l.Close()
	if _, err := l.Survey(t.Context()); err == nil {
		t.Error("a topic that does not exist was surveyed")
	}
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := survey(t, l)
	hasResult(t, all, log.Fit, everyCheck[:len(everyCheck)-1]...)
	hasResult(t, all, log.Unknown, "clocks")
	if err := l.Append(t.Context(), []byte("record")); err != nil {
		t.Fatal(err)
	}
	all = survey(t, l)
	hasResult(t, all, log.Fit, everyCheck...)
	if len(all) != len(everyCheck) {
		t.Errorf("%d findings, want %d", len(all), len(everyCheck))
	}
	if got := all["clocks"].Value; !strings.Contains(got, "before this orderer's, by its writer's clock") {
		t.Errorf("clocks: %s", got)
	}
}

// Each setting that can lose or refuse records is named, with the command that fixes it.
func TestSurveyNamesFlaws(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHarness(t, 1)
	bad := map[string]string{"min.insync.replicas": "1", "unclean.leader.election.enable": "true", "cleanup.policy": "compact",
		"retention.ms": "604800000", "retention.bytes": "1073741824", "max.message.bytes": "1000000"}
	fixed := map[string]string{"min.insync.replicas": "2", "unclean.leader.election.enable": "false", "cleanup.policy": "delete",
		"retention.ms": "-1", "retention.bytes": "-1", "max.message.bytes": "1056768"}
	h.Create("theirs", 2, bad)
	l := h.Open(t, "theirs", log.Settings{MaxMessageBytes: 1 << 20})
	defer l.Close()
	all := survey(t, l)
	for setting, value := range bad {
		f := all[setting]
		remedy := "kafka-configs.sh --bootstrap-server " + h.Address() + " --alter --entity-type topics --entity-name theirs --add-config " + setting + "=" + fixed[setting]
		if f.Result != log.Flawed || f.Value != value || f.Remedy != remedy || f.Risk == "" {
			t.Errorf("%s: %v %s", setting, f.Result, f)
		}
	}
	hasResult(t, all, log.Flawed, "partitions", "replication factor")
	if got := all["replication factor"].Remedy; !strings.Contains(got, "the cluster has 1 brokers: add some") {
		t.Errorf("replication factor: %s", got)
	}
}

// In a cluster with enough brokers the finding names the brokers for more replicas.
func TestSurveySpreadsTheTopic(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHarness(t, 4)
	l := h.Open(t, "narrow", log.Settings{ReplicationFactor: 1})
	defer l.Close()
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := survey(t, l)["replication factor"]
	if f.Result != log.Flawed || strings.Count(f.Remedy[strings.Index(f.Remedy, `"replicas":[`):strings.Index(f.Remedy, "]}")], ",") != 2 ||
		!strings.Contains(f.Remedy, "kafka-reassign-partitions.sh") {
		t.Errorf("%v %s", f.Result, f)
	}
}

// A timestamp ahead of our clock shows that two clocks differ. That is not a flaw, which
// would keep a channel from starting.
func TestSurveyComparesClocks(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHarness(t, 1)
	l := h.Open(t, "ahead", log.Settings{ReplicationFactor: 1})
	defer l.Close()
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(h.Address()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for ahead, want := range map[time.Duration]log.Result{-time.Hour: log.Fit, 5 * time.Second: log.Fit, time.Hour: log.Warned, 365 * 24 * time.Hour: log.Warned} {
		r := &kgo.Record{Topic: "ahead", Value: []byte("v"), Timestamp: time.Now().Add(ahead)}
		if err := c.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		hasResult(t, survey(t, l), want, "clocks")
	}
}

// What this client may do and see depends on its rights. What is hidden is not a flaw.
func TestSurveyOfRights(t *testing.T) {
	t.Parallel()
	h := kafkatest.Harness{Cluster: kafkatest.Start(t, kafkatest.Options{Users: map[string]string{"orderer": "password"}, ACLs: true}), Backoff: 20 * time.Millisecond}
	h.Create("guarded", 1, nil)
	config := h.Config(log.Settings{MaxMessageBytes: 1 << 20})
	config.SASL = &conn.SASL{Mechanism: conn.Plain, User: "orderer", Password: func() (string, error) { return "password", nil }}
	l, err := kafka.Open(config, "guarded")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()

	all := survey(t, l)
	hasResult(t, all, log.Flawed, "rights on the topic")
	if f := all["rights on the topic"]; f.Value != "none" || !strings.Contains(f.Remedy, "--operation Read --operation Write --operation DescribeConfigs --topic guarded") {
		t.Errorf("no rights: %s", f)
	}

	grant(t, h, "guarded", kmsg.ACLOperationRead)
	all = survey(t, l)
	hasResult(t, all, log.Flawed, "rights on the topic")
	hasResult(t, all, log.Unknown, "retention.ms", "cleanup.policy", "max.message.bytes")
	if f := all["rights on the topic"]; !strings.HasSuffix(f.Remedy, "--operation Write --topic guarded") {
		t.Errorf("no right to write: %s", f)
	}
	if f := all["retention.ms"]; !strings.Contains(f.Remedy, "--operation DescribeConfigs") {
		t.Errorf("hidden: %s, %s", f, f.Remedy)
	}

	grant(t, h, "guarded", kmsg.ACLOperationWrite, kmsg.ACLOperationDescribeConfigs)
	all = survey(t, l)
	hasResult(t, all, log.Fit, "rights on the topic", "cleanup.policy")
	hasResult(t, all, log.Flawed, "retention.ms")
}

// grant grants the user rights on a topic.
func grant(t *testing.T, h kafkatest.Harness, topic string, operations ...kmsg.ACLOperation) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(h.Address()), kgo.SASL(plain.Auth{User: kafkatest.SuperUser, Pass: kafkatest.SuperPassword}.AsMechanism()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := kmsg.NewPtrCreateACLsRequest()
	for _, o := range operations {
		r.Creations = append(r.Creations, kmsg.CreateACLsRequestCreation{
			ResourceType: kmsg.ACLResourceTypeTopic, ResourceName: topic, ResourcePatternType: kmsg.ACLResourcePatternTypeLiteral,
			Principal: "User:orderer", Host: "*", Operation: o, PermissionType: kmsg.ACLPermissionTypeAllow,
		})
	}
	answer, err := r.RequestWith(t.Context(), c)
	if err != nil || answer.Results[0].ErrorCode != 0 {
		t.Fatalf("grant: %+v, %v", answer, err)
	}
}
