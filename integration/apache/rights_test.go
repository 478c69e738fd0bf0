package apache

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/hyperledger/fabric/orderer/consensus"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
	"github.com/fabric-kafka/orderer/chain/pkitest"
	"github.com/fabric-kafka/orderer/network/admin/admintest"
	"github.com/fabric-kafka/orderer/network/apache"
)

// denyByDefault enables ACLs. Anonymous clients are superusers: on this broker they use the
// listener without authentication, as the controller and the test's administrator do.
var denyByDefault = []string{
	"authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
	"super.users=User:ANONYMOUS", "allow.everyone.if.no.acl.found=false",
}

// right is an operation on topics or groups with a name prefix.
type right = admintest.Right

var (
	readTopic   = right{With: sarama.AclResourceTopic, Op: sarama.AclOperationRead}
	writeTopic  = right{With: sarama.AclResourceTopic, Op: sarama.AclOperationWrite}
	describeSet = right{With: sarama.AclResourceTopic, Op: sarama.AclOperationDescribeConfigs}
	readGroup   = right{With: sarama.AclResourceGroup, Op: sarama.AclOperationRead}

	createTopic   = right{With: sarama.AclResourceTopic, Op: sarama.AclOperationCreate}
	deleteTopic   = right{With: sarama.AclResourceTopic, Op: sarama.AclOperationDelete}
	describeGroup = right{With: sarama.AclResourceGroup, Op: sarama.AclOperationDescribe}
)

// The rights in the table of SECURITY.md.
var rightsOf = map[string][]right{
	orderer: {readTopic, writeTopic, describeSet, readGroup},
	setup:   {createTopic},
	pruning: {deleteTopic, describeGroup},
}

// The prefixes of the channels' topics and of the orderers' groups.
const prefix, groups = "channel-", admintest.Groups

// made is the topic that setup creates.
const made = prefix + "made"

func prefixOf(r right) string {
	if r.With == sarama.AclResourceGroup {
		return groups
	}
	return prefix
}

// TestLeastPrivilege shows that these rights suffice, that each is needed, and
// which error reports a missing one.
func TestLeastPrivilege(t *testing.T) { onEachVersion(t, leastPrivilege) }

func leastPrivilege(t *testing.T, v apache.Version) {
	s := newSecured(t, v)
	s.Settings = append(s.Settings, denyByDefault...)
	s.start()
	s.file("password", password)
	t.Run("setup", s.setup)
	t.Run("orderers", func(t *testing.T) {
		t.Run("user", s.orderer)
		t.Run("certificate", s.certificate)
	})
	t.Run("pruning", s.pruning)
	t.Run("not the orderer's", s.denied)
}

func (s *secured) grant(user string, r right) {
	s.t.Helper()
	s.admin("grant", func(a sarama.ClusterAdmin) error {
		return a.CreateACLs([]*sarama.ResourceAcls{{
			Resource: sarama.Resource{ResourceType: r.With, ResourceName: prefixOf(r), ResourcePatternType: sarama.AclPatternPrefixed},
			Acls:     []*sarama.Acl{{Principal: "User:" + user, Host: "*", Operation: r.Op, PermissionType: sarama.AclPermissionAllow}},
		}})
	})
}

func (s *secured) revoke(user string, r right) {
	s.t.Helper()
	name, principal := prefixOf(r), "User:"+user
	s.admin("revoke", func(a sarama.ClusterAdmin) error {
		taken, err := a.DeleteACL(sarama.AclFilter{ResourceType: r.With, ResourceName: &name,
			ResourcePatternTypeFilter: sarama.AclPatternPrefixed, Principal: &principal, Operation: r.Op,
			PermissionType: sarama.AclPermissionAllow}, false)
		if err == nil && len(taken) != 1 {
			err = fmt.Errorf("%d rights are revoked", len(taken))
		}
		return err
	})
}

// grantAll gives a user the rights that the table has for a role.
func (s *secured) grantAll(user, role string) {
	for _, r := range rightsOf[role] {
		s.grant(user, r)
	}
}

// topic opens a topic as a user.
func (s *secured) topic(t *testing.T, user, topic string) *kafka.Log {
	t.Helper()
	return open(t, topic, kafka.Config{Brokers: []string{s.address(bySASL)},
		SASL: &conn.SASL{Mechanism: conn.Plain, User: user, Password: func() (string, error) { return password, nil }}})
}

func open(t *testing.T, topic string, config kafka.Config) *kafka.Log {
	t.Helper()
	config.RetryBackoff = 20 * time.Millisecond
	l, err := kafka.Open(config, topic)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// as sends an administrator's request as a user.
func (s *secured) as(user string, f func(sarama.ClusterAdmin) error) error {
	config := clientConfig()
	config.Net.SASL.Enable, config.Net.SASL.User, config.Net.SASL.Password = true, user, password
	a, err := sarama.NewClusterAdmin([]string{s.address(bySASL)}, config)
	if err != nil {
		return err
	}
	defer a.Close()
	return f(a)
}

// works waits until f succeeds: rights take effect with a delay.
func works(t *testing.T, what string, f func() error) {
	t.Helper()
	eventually(t, what, func() (bool, any) { err := f(); return err == nil, err })
}

// finds waits until the survey reports how to grant a missing right.
func finds(t *testing.T, right string, survey func() error) {
	t.Helper()
	eventually(t, "the survey reports the missing "+right, func() (bool, any) {
		err := survey()
		return err != nil && strings.Contains(err.Error(), "kafka-acls.sh") && strings.Contains(err.Error(), "--operation "+right), err
	})
}

// lacks waits until an operation fails quickly, with an error that names the missing right.
func lacks(t *testing.T, op, topic, right string, f func() error) {
	t.Helper()
	want := fmt.Sprintf("; waiting for an operator to grant this orderer's principal the right %s", right)
	eventually(t, op+" fails", func() (bool, any) {
		began := time.Now()
		err := f()
		if took := time.Since(began); took > 40*time.Second {
			t.Errorf("%s took %v", op, took)
		}
		var of *log.Error
		return errors.As(err, &of) && of.Class == log.Retryable && of.Op == op && of.Topic == topic && strings.HasSuffix(err.Error(), want), err
	})
}

func (s *secured) setup(t *testing.T) {
	l := s.topic(t, setup, made)
	create := func() error { return l.Create(t.Context()) }
	lacks(t, "create", made, "Create on the topic", create)
	s.grantAll(setup, setup)
	works(t, "create", create)
	outside := s.topic(t, setup, "another")
	lacks(t, "create", "another", "Create on the topic", func() error { return outside.Create(t.Context()) })
}

// operations returns all operations of an orderer on an existing topic.
func operations(t *testing.T, l *kafka.Log) map[string]func() error {
	within := func(f func(context.Context) error) func() error {
		return func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			return f(ctx)
		}
	}
	return map[string]func() error{
		"append":   within(func(ctx context.Context) error { return l.Append(ctx, []byte("value")) }),
		"read":     within(func(ctx context.Context) error { return readOne(ctx, l) }),
		"bounds":   within(func(ctx context.Context) error { _, err := l.Bounds(ctx); return err }),
		"identity": within(func(ctx context.Context) error { _, err := l.Identity(ctx); return err }),
		"survey":   within(func(ctx context.Context) error { return surveyed(ctx, l) }),
		"publish":  within(func(ctx context.Context) error { return l.Publish(ctx, progress) }),
	}
}

var progress = log.Progress{Member: groups + "one", Next: 1, At: time.Unix(1, 0).UTC()}

// surveyed turns a missing right that the survey reports into an error.
func surveyed(ctx context.Context, l *kafka.Log) error {
	found, err := l.Survey(ctx)
	if err != nil {
		return err
	}
	for _, f := range found {
		if f.Result != log.Fit && strings.Contains(f.Remedy, "kafka-acls.sh") {
			return fmt.Errorf("%s: %s", f, f.Remedy)
		}
	}
	return nil
}

// readOne reads the first record and asks for its source.
func readOne(ctx context.Context, l *kafka.Log) error {
	r, err := l.Read(ctx, 0)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := r.Next(ctx); err != nil {
		return err
	}
	_, err = r.Source(ctx)
	return err
}

func (s *secured) orderer(t *testing.T) {
	t.Parallel()
	s.least(t, orderer, s.topic(t, orderer, made))
}

// An orderer whose principal is the whole subject of its certificate, which is
// Kafka's default, needs the same rights.
func (s *secured) certificate(t *testing.T) {
	t.Parallel()
	const subject = "CN=orderer1,OU=orderer,O=Example,C=CH"
	holder := pkitest.Holder("orderer1", time.Hour)
	holder.Subject.OrganizationalUnit, holder.Subject.Organization, holder.Subject.Country = []string{"orderer"}, []string{"Example"}, []string{"CH"}
	s.ca.IssueFor(s.ca, "subject", holder)
	s.least(t, subject, open(t, made, kafka.Config{Brokers: []string{s.address(byMTLS)},
		TLS: func() (*tls.Config, error) { return s.ca.Client("subject") }}))
	c, ledger := s.chain(t, byMTLS, identity("subject"))
	s.ordersOnceMade(t, c, ledger)
}

// The rights of an orderer are revoked one at a time: operations that need the right fail and
// name it, others continue, and all succeed once it is granted again.
func (s *secured) least(t *testing.T, user string, l *kafka.Log) {
	topic, all := made, operations(t, l)
	survey := all["survey"]
	finds(t, "Read --operation Write", survey)
	for op, f := range all {
		if op == "survey" {
			continue
		}
		missing := map[string]string{"append": "Write on the topic", "read": "Read on the topic", "publish": "Read on its consumer group"}[op]
		if missing == "" {
			missing = "Read, or Describe, on the topic"
		}
		lacks(t, op, topic, missing, f)
	}
	s.grantAll(user, orderer)
	works(t, "append", all["append"])
	for op, f := range all {
		works(t, op, f)
	}
	for r, needed := range map[right][]string{writeTopic: {"append"}, readTopic: {"read", "publish"}, describeSet: nil, readGroup: {"publish"}} {
		s.revoke(user, r)
		missing := r.Op.String() + " on the topic"
		if r == readGroup {
			missing = "Read on its consumer group"
		}
		for op, f := range all {
			if op == "survey" { // checks the rights on the topic itself
				if r != readGroup {
					finds(t, r.Op.String(), survey)
				}
				continue
			}
			if slices.Contains(needed, op) {
				lacks(t, op, topic, missing, f)
			} else {
				works(t, op+" without "+missing, f)
			}
		}
		s.grant(user, r)
		for _, op := range needed {
			works(t, op, all[op])
		}
	}
	s.compares(t, user, l)
}

// A user who deletes records needs the right to delete topics: Kafka has no
// separate one. Groups that a user may not describe are not listed.
func (s *secured) pruning(t *testing.T) {
	l := s.topic(t, pruning, made)
	prune := func() error { return l.Trim(t.Context(), 1) }
	if err := prune(); !errors.Is(err, sarama.ErrTopicAuthorizationFailed) {
		t.Errorf("without rights: %v", err)
	}
	s.grant(pruning, deleteTopic)
	works(t, "delete records", prune)
	if all, err := l.Published(t.Context(), groups); err != nil || len(all) != 0 {
		t.Errorf("without a right on groups: %v, %v", all, err)
	}
	s.grantAll(pruning, pruning)
	works(t, "see the groups", func() error {
		all, err := l.Published(t.Context(), groups)
		if err == nil && !reflect.DeepEqual(all, []log.Progress{progress}) {
			err = fmt.Errorf("published %v", all)
		}
		return err
	})
	b, err := s.topic(t, orderer, made).Bounds(t.Context())
	if err != nil || b.Start != 1 {
		t.Errorf("the topic holds %+v, %v", b, err)
	}
}

// An orderer has no right to anything that would harm a channel.
func (s *secured) denied(t *testing.T) {
	topic, size := made, "1000"
	for what, f := range map[string]func(sarama.ClusterAdmin) error{
		"delete records": func(a sarama.ClusterAdmin) error { return a.DeleteRecords(topic, map[int32]int64{0: 2}) },
		"delete topic":   func(a sarama.ClusterAdmin) error { return a.DeleteTopic(topic) },
		"create topic": func(a sarama.ClusterAdmin) error {
			return a.CreateTopic(prefix+"new", &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false)
		},
		"add partitions": func(a sarama.ClusterAdmin) error { return a.CreatePartitions(topic, 2, nil, false) },
		"alter settings": func(a sarama.ClusterAdmin) error {
			return a.IncrementalAlterConfig(sarama.TopicResource, topic, map[string]sarama.IncrementalAlterConfigsEntry{
				"max.message.bytes": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &size}}, false)
		},
	} {
		if err := s.as(orderer, f); !errors.Is(err, sarama.ErrTopicAuthorizationFailed) {
			t.Errorf("%s: %v, want an authorization error", what, err)
		}
	}
	c, ledger := s.chain(t, bySASL, byPassword("PLAIN", "password"))
	s.ordersOnceMade(t, c, ledger)
}

// ordersOnceMade waits until an orderer reports that it may not create its topic, and
// checks that it orders once setup has created it.
func (s *secured) ordersOnceMade(t *testing.T, c consensus.Chain, ledger *chaintest.Ledger) {
	t.Helper()
	want := fmt.Sprintf("create topic %q: ", ledger.ChannelID())
	eventually(t, want, func() (bool, any) {
		err := c.WaitReady()
		return err != nil && strings.Contains(err.Error(), want) && strings.Contains(err.Error(), "the right Create on the topic"), err
	})
	l := s.topic(t, setup, ledger.ChannelID())
	works(t, "create", func() error { return l.Create(t.Context()) })
	order(t, c, ledger, "a")
}

// The table in SECURITY.md is what was tested.
func TestRightsAreThoseOfTheTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "SECURITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	for user, rights := range rightsOf {
		names := map[sarama.AclResourceType][]string{}
		for _, r := range rights {
			names[r.With] = append(names[r.With], r.Op.String())
		}
		for with, all := range names {
			kind := map[sarama.AclResourceType]string{sarama.AclResourceTopic: "Topic", sarama.AclResourceGroup: "Group, prefix `" + groups + "`"}[with]
			line := fmt.Sprintf("\n| `%s` | %s | %s |\n", user, kind, strings.Join(all, ", "))
			if !strings.Contains(string(text), line) {
				t.Errorf("SECURITY.md lacks the line %s", line)
			}
		}
	}
}
