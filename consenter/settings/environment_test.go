package settings

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// fabricYAML is an orderer.yaml without our section, as Fabric ships it.
const fabricYAML = "General:\n  ListenPort: 7050\nConsensus:\n  WALDir: /wal\n"

// unreadOf has the orderer's own loader read the yaml with these variables, and returns
// those without an effect, by name.
func unreadOf(t *testing.T, yaml string, variables ...string) map[string]Unread {
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	found := map[string]Unread{}
	for _, u := range UnreadVariables(variables, loaded(t, yaml), "/etc/fabric") {
		found[u.Name] = u
	}
	return found
}

// An operator who sets one of these believes that the connections to the brokers are
// encrypted or authenticated: the orderer must not start.
func TestUnreadVariablesOfSecurityAreRefused(t *testing.T) {
	const (
		prefix = "ORDERER_CONSENSUS_KAFKA_"
		lacks  = "orderer.yaml in /etc/fabric has no key Consensus.Kafka."
		old    = "it was read by the in-tree consenter of Fabric 1.4 to 2.5; "
	)
	for _, c := range []struct{ yaml, name, want string }{
		{fabricYAML, prefix + "TLS_ENABLED", lacks + "TLS.Enabled; copy all of consenter/settings/kafka.yaml into its section Consensus, or unset the variable"},
		{fabricYAML, prefix + "SASL_MECHANISM", lacks + "SASL.Mechanism; copy all"},
		{fabricYAML, prefix + "SASL_TOKENCOMMAND", lacks + "SASL.TokenCommand; copy all"},
		{"Consensus: {Kafka: {TLS: {Enabled: false}}}\n", prefix + "TLS_ROOTCAS", lacks + "TLS.RootCAs; copy all"},
		{"Consensus: {Kafka: {ClientID: a, TLS: }}\n", prefix + "TLS_ENABLED", lacks + "TLS.Enabled; copy all"},
		{"Consensus: {Kafka: }\n", prefix + "TLS_ENABLED", lacks + "TLS.Enabled; copy all"},
		{ordererYAML, prefix + "TLS_ENABLE", "there is no key of that name; unset it, or set one of " + prefix + "TLS_ENABLED, " + prefix + "TLS_ROOTCAS, "},
		{ordererYAML, prefix + "TLSENABLED", "there is no key of that name"},
		{ordererYAML, prefix + "SSL_ENABLED", "there is no key of that name"},
		{ordererYAML, prefix + "SASL_PASSWORD", "there is no key of that name; unset it, or set one of " + prefix + "SASL_MECHANISM"},
		{ordererYAML, prefix + "SECURITY_PROTOCOL", "there is no key of that name"},
		{ordererYAML, prefix + "ENV_SASL_PASSWORD", "there is no key of that name"},
		{ordererYAML, prefix + "SASLPLAIN_USER", old + "set " + prefix + "SASL_USER instead"},
		{ordererYAML, prefix + "TLS_PRIVATEKEY_FILE", "there is no key of that name; set " + prefix + "TLS_PRIVATEKEY to the name of the file instead"},
		{ordererYAML, "ORDERER_KAFKA_TLS_ENABLED", old + "set " + prefix + "TLS_ENABLED instead"},
		{ordererYAML, "ORDERER_KAFKA_TLS_PRIVATEKEY_FILE", old + "set " + prefix + "TLS_PRIVATEKEY to the name of the file instead"},
		{ordererYAML, "ORDERER_KAFKA_TLS_ROOTCAS_FILE", old + "set " + prefix + "TLS_ROOTCAS to the name of the file instead"},
		{ordererYAML, "ORDERER_KAFKA_SASLPLAIN_ENABLED", old + "set " + prefix + "SASL_MECHANISM to PLAIN instead"},
		{ordererYAML, "ORDERER_KAFKA_SASLPLAIN_PASSWORD", old + "set " + prefix + "SASL_PASSWORDFILE to the name of a file that holds it instead"},
		{ordererYAML, "ORDERER_KAFKA_TLS_CLIENTAUTHREQUIRED", old + "unset it; nothing replaces it"},
		{ordererYAML, "ORDERER_KAFKA_SASL_MECHANISM", "there is no key of that name; set " + prefix + "SASL_MECHANISM instead"},
		{ordererYAML, "ORDERER_KAFKA_SASL_PASSWORDFILE", "there is no key of that name; set " + prefix + "SASL_PASSWORDFILE instead"},
		{ordererYAML, "orderer_consensus_kafka_tls_enabled", "only another spelling of it is read; set " + prefix + "TLS_ENABLED instead"},
		{ordererYAML, "ORDERER_CONSENSUS_KAFKA_TLS.ENABLED", "only another spelling of it is read; set " + prefix + "TLS_ENABLED instead"},
		{ordererYAML, "ORDERER__CONSENSUS__KAFKA__TLS__ENABLED", "only another spelling of it is read; set " + prefix + "TLS_ENABLED instead"},
		{ordererYAML, "ORDERER_CONSENSUS_TLS_ENABLED", "only another spelling of it is read; set " + prefix + "TLS_ENABLED instead"},
		{ordererYAML, "ORDERER_GENERAL_KAFKA_TLS_ENABLED", "there is no key of that name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, found := unreadOf(t, c.yaml, c.name+"=swordfish")[c.name]
			if !found {
				t.Fatal("it is not reported as unread")
			}
			if got, text := u.Error(), c.name+" has no effect: "+c.want; !strings.Contains(got, text) {
				t.Fatalf("%q is not in %q", text, got)
			}
			if got := u.Error(); strings.Contains(got, "swordfish") {
				t.Fatalf("a value can be a secret: %q is in %q", "swordfish", got)
			}
			if !u.Security {
				t.Fatal("it does not concern security")
			}
		})
	}
}

func TestOtherUnreadVariablesAreReported(t *testing.T) {
	for _, c := range []struct{ yaml, name, want string }{
		{fabricYAML, "ORDERER_CONSENSUS_KAFKA_BROKERS", "has no key Consensus.Kafka.Brokers; copy all"},
		{ordererYAML, "ORDERER_CONSENSUS_KAFKA_COLOR", "there is no key of that name; unset it, or set the variable of a key in consenter/settings/kafka.yaml"},
		{ordererYAML, "ORDERER_CONSENSUS_KAFKA_TIMEOUT_DIAL", "there is no key of that name"},
		{ordererYAML, "ORDERER_CONSENSUS_KAFKA_TIMEOUTS_DIALL", "one of ORDERER_CONSENSUS_KAFKA_TIMEOUTS_DIAL, ORDERER_CONSENSUS_KAFKA_TIMEOUTS_READ, "},
		{ordererYAML, "ORDERER_KAFKA_BROKERS", "there is no key of that name; set ORDERER_CONSENSUS_KAFKA_BROKERS instead"},
		{ordererYAML, "ORDERER_KAFKA_TOPIC_REPLICATIONFACTOR", "set ORDERER_CONSENSUS_KAFKA_TOPIC_REPLICATIONFACTOR instead"},
		{ordererYAML, "ORDERER_KAFKA_RETRY_SHORTINTERVAL", "set ORDERER_CONSENSUS_KAFKA_RETRY_MIN instead"},
		{ordererYAML, "ORDERER_KAFKA_RETRY_NETWORKTIMEOUTS_DIALTIMEOUT", "set ORDERER_CONSENSUS_KAFKA_TIMEOUTS_DIAL instead"},
		{ordererYAML, "ORDERER_KAFKA_VERBOSE", "unset it; nothing replaces it"},
		{ordererYAML, "ORDERER_KAFKA_VERSION", "unset it; nothing replaces it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, found := unreadOf(t, c.yaml, c.name+"=1")[c.name]
			if !found {
				t.Fatal("it is not reported as unread")
			}
			if got := u.Error(); !strings.Contains(got, c.want) {
				t.Fatalf("%q is not in %q", c.want, got)
			}
			if u.Security {
				t.Fatal("it concerns security")
			}
		})
	}
}

// A variable that switched TLS or SASL off in an in-tree orderer, as compose files and
// charts have it, does not keep the orderer from starting.
func TestUnreadVariablesThatSwitchOffAreReported(t *testing.T) {
	for _, name := range []string{"ORDERER_KAFKA_TLS_ENABLED", "ORDERER_KAFKA_SASLPLAIN_ENABLED", "ORDERER_KAFKA_TLS_CLIENTAUTHREQUIRED",
		"ORDERER_CONSENSUS_KAFKA_TLS_ENABLED", "ORDERER_CONSENSUS_KAFKA_TLSENABLED"} {
		for value, security := range map[string]bool{"false": false, "FALSE": false, "0": false, "f": false, "true": true, "1": true, "no": true, " false": true} {
			u, found := unreadOf(t, fabricYAML, name+"="+value)[name]
			if !found {
				t.Fatal("it is not reported as unread")
			}
			if !reflect.DeepEqual(u.Security, security) {
				t.Fatalf("%s=%q: u.Security is %v, want %v", name, value, u.Security, security)
			}
		}
	}
	u := unreadOf(t, fabricYAML, "ORDERER_KAFKA_SASLPLAIN_PASSWORD=false", "ORDERER_KAFKA_TLS_ROOTCAS=0")
	if !u["ORDERER_KAFKA_SASLPLAIN_PASSWORD"].Security {
		t.Fatal("ORDERER_KAFKA_SASLPLAIN_PASSWORD does not concern security, but it may be the password")
	}
	if !u["ORDERER_KAFKA_TLS_ROOTCAS"].Security {
		t.Fatal("ORDERER_KAFKA_TLS_ROOTCAS does not concern security")
	}
}

// With the sample in orderer.yaml, the variable of every key is read.
func TestVariablesOfAllKeysAreRead(t *testing.T) {
	var variables []string
	c := Default()
	for _, k := range keysOf(&c, "") {
		variables = append(variables, variableOf(k.name)+"=1")
	}
	if got := unreadOf(t, ordererYAML, variables...); len(got) != 0 {
		t.Fatalf("got %v, want nothing", got)
	}
	if got := unreadOf(t, fabricYAML, variables...); len(got) != len(variables) {
		t.Fatalf("got %v, want %d of them", got, len(variables))
	}
}

// Fabric considers an empty variable unset; and some are not meant for the orderer, such as those that
// Kubernetes sets for a service orderer-kafka.
func TestVariablesForOthersAreIgnored(t *testing.T) {
	if got := unreadOf(t, fabricYAML, "ORDERER_CONSENSUS_KAFKA_TLS_ENABLED=", "ORDERER_KAFKA_TLS_ENABLED=",
		"ORDERER_GENERAL_TLS_ENABLED=true", "ORDERER_CONSENSUS_WALDIR=/wal", "KAFKA_TLS_ENABLED=true", "CORE_PEER_TLS_ENABLED=true", "PATH=x",
		"ORDERER_KAFKA_SERVICE_HOST=10.0.0.1", "ORDERER_KAFKA_SERVICE_PORT=9092", "ORDERER_KAFKA_SERVICE_PORT_TLS=9093", "ORDERER_KAFKA_PORT=tcp://10.0.0.1:9092",
		"ORDERER_KAFKA_ENV_KAFKA_SSL_KEYSTORE_PASSWORD=x", "ORDERER_KAFKA_TLS_ENV_KAFKA_VERSION=3.9", "ORDERER_ORG1_KAFKA_ENV_PATH=x", // of a container link
		"ORDERER_KAFKA_TLS_SERVICE_HOST=10.0.0.1", "ORDERER_KAFKA_PORT_9092_TCP=tcp://10.0.0.1:9092", "ORDERER_KAFKA_TLS_PORT_9092_TCP_ADDR=10.0.0.1"); len(got) != 0 {
		t.Fatalf("got %v, want nothing", got)
	}
}

// A variable that names a section is read, and its value is refused.
func TestVariableOfASectionIsRead(t *testing.T) {
	if got := unreadOf(t, ordererYAML, "ORDERER_CONSENSUS_KAFKA_TLS=true"); len(got) != 0 {
		t.Fatalf("got %v, want nothing", got)
	}
	if !unreadOf(t, fabricYAML, "ORDERER_CONSENSUS_KAFKA_TLS=true")["ORDERER_CONSENSUS_KAFKA_TLS"].Security {
		t.Fatal("ORDERER_CONSENSUS_KAFKA_TLS does not concern security")
	}
}

func TestInTreeVariablesHaveReplacements(t *testing.T) {
	c := Default()
	var names []string
	for _, k := range keysOf(&c, "") {
		names = append(names, k.name)
	}
	for old, now := range inTree {
		if now.key != "" && !slices.Contains(names, now.key) {
			t.Fatalf("%s: there is no key %s", old, now.key)
		}
		if want := strings.ToUpper(old); !reflect.DeepEqual(old, want) {
			t.Fatalf("got %v, want %v", old, want)
		}
	}
}

// The table for operators has every key of the in-tree consenter.
func TestTableOfInTreeKeysIsComplete(t *testing.T) {
	page, err := os.ReadFile("../../chain/COMPATIBLE.md")
	checktest.Must(t, err)
	_, table, found := strings.Cut(string(page), "## Settings of in-tree orderers")
	if !found {
		t.Fatal("the page has no such section")
	}
	rows := map[string]string{} // the second column, by the names in the first
	for line := range strings.Lines(table) {
		columns := strings.Split(line, "|")
		if len(columns) < 3 {
			continue
		}
		prefix := ""
		for name := range strings.SplitSeq(strings.ReplaceAll(columns[1], "`", ""), ",") {
			name = strings.TrimSpace(name)
			if strings.HasPrefix(name, ".") {
				name = prefix + name
			}
			prefix = name[:max(strings.LastIndex(name, "."), 0)]
			rows[strings.ToUpper(strings.ReplaceAll(name, ".", "_"))] = columns[2]
		}
	}
	for old, now := range inTree {
		row, found := rows[old]
		if !found {
			row, found = rows[old[:strings.LastIndex(old, "_")]+"_*"]
		}
		if !found {
			t.Fatalf("%s is not in the table", old)
		}
		if got, want := strings.HasPrefix(row, " none"), now.key == ""; !reflect.DeepEqual(got, want) {
			t.Fatalf("%v: got %v, want %v", old, got, want)
		}
		if now.key != "" && !strings.Contains(row, now.key) && !strings.Contains(row, "the same names") {
			t.Fatalf("%s: the row does not name %s: %s", old, now.key, row)
		}
	}
}
