package admin_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/hyperledger/fabric/bccsp/sw"
	"github.com/hyperledger/fabric/common/crypto/tlsgen"
	"github.com/hyperledger/fabric/common/metrics/disabled"
	"gopkg.in/yaml.v2"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
	"github.com/fabric-kafka/orderer/consenter"
	"github.com/fabric-kafka/orderer/network/admin/admintest"
	"github.com/fabric-kafka/orderer/network/client"
)

func TestMain(m *testing.M) {
	kafkatest.Serve()
	os.Exit(m.Run())
}

const orderer = "orderer"

// secured is a cluster that uses TLS, requires a password, and denies by default.
type secured struct {
	*kafkatest.Cluster
	t   *testing.T
	dir string // of what clients need
	ca  []byte
}

// newSecured starts such a cluster; the user orderer has all rights of an orderer that makes topics.
func newSecured(t *testing.T) *secured {
	t.Helper()
	t.Parallel()
	ca, err := tlsgen.NewCA()
	checktest.Must(t, err)
	pair, err := ca.NewServerCertKeyPair("127.0.0.1")
	checktest.Must(t, err)
	s := &secured{t: t, dir: t.TempDir(), ca: ca.CertBytes()}
	users := map[string]string{orderer: "secret"}
	for command := range admintest.Rights() {
		users[command] = "secret"
	}
	s.write("ca.pem", string(s.ca))
	s.write("password", "secret\n")
	s.Cluster = kafkatest.Start(t, kafkatest.Options{Brokers: 3, Users: users, ACLs: true,
		TLS: &kafkatest.TLS{Certificate: s.write("broker.pem", string(pair.Cert)), Key: s.write("broker.key", string(pair.Key))}})
	for _, op := range []sarama.AclOperation{sarama.AclOperationRead, sarama.AclOperationWrite, sarama.AclOperationDescribeConfigs, sarama.AclOperationCreate} {
		s.grant(orderer, admintest.Right{With: sarama.AclResourceTopic, Op: op})
	}
	s.grant(orderer, admintest.Right{With: sarama.AclResourceGroup, Op: sarama.AclOperationRead})
	return s
}

func (s *secured) write(name, text string) string {
	s.t.Helper()
	file := filepath.Join(s.dir, name)
	checktest.Must(s.t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// section is the part Kafka of the orderer.yaml of a user.
func (s *secured) section(user string) string {
	return "    Brokers: " + strings.Join(s.Addresses(), ",") + "\n    TLS: {Enabled: true, RootCAs: [ca.pem]}\n" +
		"    SASL: {Mechanism: PLAIN, User: " + user + ", PasswordFile: password}\n"
}

// config returns the orderer.yaml of a user.
func (s *secured) config(user string) string {
	return s.write(user+".yaml", "General:\n  ListenPort: 7050\nConsensus:\n  WALDir: /x\n  Kafka:\n"+s.section(user))
}

// consenter returns the consenter of the user orderer. Channels whose names begin with old share their
// topics with in-tree orderers.
func (s *secured) consenter() *consenter.Consenter {
	s.t.Helper()
	var file map[string]any
	checktest.Must(s.t, yaml.Unmarshal([]byte("Kafka:\n"+s.section(orderer)+"    ConsumerGroup: \"\"\n    Topic: {Begin: \"*\", Compatible: [old]}\n"), &file))
	crypto, err := sw.NewDefaultSecurityLevelWithKeystore(sw.NewDummyKeyStore())
	checktest.Must(s.t, err)
	c, err := consenter.New(consenter.Host{Consensus: file, Metrics: &disabled.Provider{}, Crypto: crypto, ConfigDir: s.dir})
	checktest.Must(s.t, err)
	return c
}

func (s *secured) admin(f func(sarama.ClusterAdmin) error) {
	s.t.Helper()
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	secure, err := client.TLS{CA: filepath.Join(s.dir, "ca.pem")}.Client()
	checktest.Must(s.t, err)
	config.Net.TLS.Enable, config.Net.TLS.Config = true, secure
	config.Net.SASL.Enable, config.Net.SASL.User, config.Net.SASL.Password = true, kafkatest.SuperUser, kafkatest.SuperPassword
	a, err := sarama.NewClusterAdmin(s.Addresses(), config)
	checktest.Must(s.t, err)
	defer a.Close()
	checktest.Must(s.t, f(a))
}

func (s *secured) grant(user string, r admintest.Right) {
	s.t.Helper()
	s.admin(func(a sarama.ClusterAdmin) error {
		return a.CreateACLs([]*sarama.ResourceAcls{{
			Resource: sarama.Resource{ResourceType: r.With, ResourceName: name(r), ResourcePatternType: sarama.AclPatternPrefixed},
			Acls:     []*sarama.Acl{{Principal: "User:" + user, Host: "*", Operation: r.Op, PermissionType: sarama.AclPermissionAllow}},
		}})
	})
}

func (s *secured) revoke(user string, r admintest.Right) {
	s.t.Helper()
	prefix, principal := name(r), "User:"+user
	s.admin(func(a sarama.ClusterAdmin) error {
		taken, err := a.DeleteACL(sarama.AclFilter{ResourceType: r.With, ResourceName: &prefix,
			ResourcePatternTypeFilter: sarama.AclPatternPrefixed, Principal: &principal, Operation: r.Op, PermissionType: sarama.AclPermissionAllow}, false)
		if err == nil && len(taken) != 1 {
			err = fmt.Errorf("%d rights are taken", len(taken))
		}
		return err
	})
}

// name returns what a right is on: a prefix of names. The topics are mine and old.
func name(r admintest.Right) string {
	if r.With == sarama.AclResourceGroup {
		return admintest.Groups
	}
	return ""
}
