package settings

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// effect is a section in which a key has an effect, and sections in which it is set and
// could have none, with the fault of each.
type effect struct {
	accepts string
	faults  map[string]string // by section
}

// Some values, and combinations of values, are allowed by their type and do nothing:
// they are refused.
var effects = map[string]effect{
	"ClientID":      {accepts: "ClientID: me", faults: map[string]string{`ClientID: " "`: `ClientID is " "; want a name`}},
	"ConsumerGroup": {accepts: `ConsumerGroup: ""`, faults: map[string]string{`ConsumerGroup: " "`: `ConsumerGroup is " "; want a name`}},
	"Brokers": {accepts: "Brokers: a:9092", faults: map[string]string{
		`Brokers: " "`:              `Brokers is " "; want a list of host:port, each once`,
		`Brokers: ","`:              `Brokers is ","; want a list of host:port`,
		`Brokers: "a:9092,"`:        `Brokers is "a:9092,"; want a list of host:port`,
		`Brokers: [a:9092, a:9092]`: `Brokers is a list; want a list of host:port, each once`,
	}},
	"Topic.ReplicationFactor": {accepts: "Topic: {ReplicationFactor: 5}"},
	"Topic.MinInsyncReplicas": {accepts: "Topic: {MinInsyncReplicas: 3}", faults: map[string]string{
		"Topic: {MinInsyncReplicas: 4}": "Topic.MinInsyncReplicas is 4; want at most Topic.ReplicationFactor, which is 3",
	}},
	"Topic.Compatible": {accepts: "Topic: {Compatible: [a, b.c-1]}", faults: map[string]string{
		"Topic: {Compatible: [a, a]}":    "Topic.Compatible is a list; want a list of channels, each once, or * alone",
		`Topic: {Compatible: ["*", a]}`:  "Topic.Compatible is a list; want a list of channels, each once, or * alone",
		`Topic: {Compatible: [MyChan]}`:  "Topic.Compatible is a list; want a list of channels",
		`Topic: {Compatible: [" "]}`:     "Topic.Compatible is a list; want a list of channels",
		`Topic: {Compatible: "a,,b"}`:    `Topic.Compatible is "a,,b"; want a list of channels`,
		`Topic: {Compatible: ["a b"]}`:   "Topic.Compatible is a list; want a list of channels",
		`Topic: {Compatible: ["a,b,c"]}`: "Topic.Compatible is a list; want a list of channels",
	}},
	"Topic.PassCuts": {accepts: "Topic: {PassCuts: [a=1, a=2, b=1]}", faults: map[string]string{
		"Topic: {PassCuts: [a=1, a=1]}":    "Topic.PassCuts is a list; want a list of channel=offset, each once",
		"Topic: {PassCuts: [a=1, a=01]}":   "Topic.PassCuts is a list; want a list of channel=offset, each once",
		`Topic: {PassCuts: ["*=1"]}`:       "Topic.PassCuts is a list; want a list of channel=offset",
		`Topic: {PassCuts: [MyChannel=1]}`: "Topic.PassCuts is a list; want a list of channel=offset",
	}},
	"Topic.Moved": {accepts: "Topic: {Moved: [a=0123456789abcdefABCDEF]}", faults: map[string]string{
		"Topic: {Moved: [a=0123456789abcdefABCDEF, b=0123456789abcdefABCDEF]}": "Topic.Moved is a list; want a list of channel=topic id",
		"Topic: {Moved: [a=0123456789abcdefABCDEF, a=_-23456789abcdefABCDEF]}": "Topic.Moved is a list; want a list of channel=topic id",
		"Topic: {Moved: [a=0123456789abcdefABCDE=]}":                           "Topic.Moved is a list; want a list of channel=topic id",
		"Topic: {Moved: [A=0123456789abcdefABCDEF]}":                           "Topic.Moved is a list; want a list of channel=topic id",
	}},
	"Topic.Begin": {accepts: "Topic: {Begin: [a]}", faults: map[string]string{
		"Topic: {Begin: [MyChannel]}": "Topic.Begin is a list; want a list of channels, each once, or * alone",
	}},
	"Timeouts.Dial":                 {accepts: "Timeouts: {Dial: 1s}", faults: tooLong("Timeouts: {Dial: %s}", "25h")},
	"Timeouts.Read":                 {accepts: "Timeouts: {Read: 1s}", faults: tooLong("Timeouts: {Read: %s}", "25h")},
	"Timeouts.Write":                {accepts: "Timeouts: {Write: 1s}", faults: tooLong("Timeouts: {Write: %s}", "25h")},
	"Timeouts.Append":               {accepts: "Timeouts: {Append: 1s}", faults: tooLong("Timeouts: {Append: %s}", "25h")},
	"Timeouts.Ready":                {accepts: "Timeouts: {Ready: 1s}", faults: tooLong("Timeouts: {Ready: %s}", "25h")},
	"Retry.Min":                     {accepts: "Retry: {Min: 1s}", faults: map[string]string{"Retry: {Min: 6s}": "Retry.Max is 5s; want at least Retry.Min, which is 6s"}},
	"Retry.Max":                     {accepts: "Retry: {Max: 1s}", faults: map[string]string{"Retry: {Max: 1ms}": "Retry.Max is 1ms; want at least Retry.Min, which is 100ms"}},
	"Producer.Linger":               {accepts: "Producer: {Linger: 2ms}", faults: tooLong("Producer: {Linger: %s}", "9000h")},
	"Producer.Inflight":             {accepts: "Producer: {Inflight: 1}"},
	"Consumer.FetchBytes":           {accepts: "Consumer: {FetchBytes: 1}"},
	"Consumer.MaxDecompressedBytes": {accepts: "Consumer: {MaxDecompressedBytes: 1}"},
	"DiskReserve":                   {accepts: "DiskReserve: 0"},
	"DeliverGrace":                  {accepts: "DeliverGrace: 1s", faults: tooLong("DeliverGrace: %s", "9000h")},
	"CheckInterval":                 {accepts: "CheckInterval: 1s", faults: tooLong("CheckInterval: %s", "2000000h")},
	"Preflight":                     {accepts: "Preflight: off"},
	"ForkAlarm": {accepts: "ForkAlarm: stop", faults: map[string]string{
		`{ForkAlarm: stop, ConsumerGroup: ""}`: "ForkAlarm is stop, but ConsumerGroup is empty, so it has no effect; want a ConsumerGroup, or ForkAlarm off",
		`ForkAlarm: enforce`:                   `ForkAlarm is "enforce"; want "warn" or "stop" or "off"`,
	}},
	"Health":    {accepts: "Health: brokers"},
	"CutJitter": {accepts: "CutJitter: 0"},

	"TLS.Enabled": {accepts: "TLS: {Enabled: true}", faults: map[string]string{
		`TLS: {Enabled: ""}`:  `TLS.Enabled is ""; want true or false`,
		`TLS: {Enabled: " "}`: `TLS.Enabled is " "; want true or false`,
	}},
	"TLS.RootCAs": {accepts: "TLS: {Enabled: true, RootCAs: ca.pem}", faults: map[string]string{
		"TLS: {RootCAs: ca.pem}":                            withoutTLS("RootCAs"),
		"TLS: {Enabled: , RootCAs: ca.pem}":                 withoutTLS("RootCAs"),
		"TLS: {Enabled: false, RootCAs: [ca.pem]}":          withoutTLS("RootCAs"),
		`TLS: {Enabled: true, RootCAs: " "}`:                `TLS.RootCAs is " "; want a list of names of files`,
		`TLS: {Enabled: true, RootCAs: [" "]}`:              `TLS.RootCAs is a list; want a list of names of files`,
		`TLS: {Enabled: true, RootCAs: ",ca.pem"}`:          `TLS.RootCAs is ",ca.pem"; want a list of names of files`,
		`TLS: {Enabled: true, RootCAs: [a, /etc/fabric/a]}`: `TLS.RootCAs is a list; want a list of names of files, each once`,
	}},
	"TLS.Certificate": {accepts: "TLS: {Enabled: true, Certificate: c, PrivateKey: k}", faults: map[string]string{
		"TLS: {Enabled: true, Certificate: c}":                  "TLS.PrivateKey is empty; want the key of TLS.Certificate",
		"TLS: {Certificate: c, PrivateKey: k}":                  withoutTLS("Certificate") + "\n" + Key + "." + withoutTLS("PrivateKey"),
		"TLS: {Enabled: true, Certificate: ' ', PrivateKey: k}": `TLS.Certificate is " "; want the name of a file`,
	}},
	"TLS.PrivateKey": {accepts: "TLS: {Enabled: true, Certificate: c, PrivateKey: k}", faults: map[string]string{
		"TLS: {Enabled: true, PrivateKey: k}":                      "TLS.Certificate is empty; want the certificate of TLS.PrivateKey",
		"TLS: {Enabled: true, Certificate: c, PrivateKey: \"\t\"}": `TLS.PrivateKey is not a file name; want the name of a file`,
	}},
	"TLS.ServerName": {accepts: "TLS: {Enabled: true, ServerName: kafka.example.com}", faults: map[string]string{
		"TLS: {ServerName: kafka}":                       withoutTLS("ServerName"),
		`TLS: {Enabled: true, ServerName: " "}`:          `TLS.ServerName is " "; want`,
		`TLS: {Enabled: true, ServerName: "kafka:9093"}`: `TLS.ServerName is "kafka:9093"; want`,
		`TLS: {Enabled: true, ServerName: "kafka "}`:     `TLS.ServerName is "kafka "; want`,
	}},

	"SASL.Mechanism": {accepts: "SASL: {Mechanism: PLAIN, User: a, PasswordFile: b}", faults: map[string]string{
		`SASL: {Mechanism: " "}`:   `SASL.Mechanism is " "; want "" or "PLAIN"`,
		`SASL: {Mechanism: plain}`: `SASL.Mechanism is "plain"; want "" or "PLAIN"`,
	}},
	"SASL.User": {accepts: "SASL: {Mechanism: SCRAM-SHA-256, User: a b, PasswordFile: c}", faults: map[string]string{
		"SASL: {User: a}":                                             withoutPassword("User", ` is empty`),
		"SASL: {Mechanism: , User: a}":                                withoutPassword("User", ` is empty`),
		`SASL: {Mechanism: "", User: a}`:                              withoutPassword("User", ` is empty`),
		"SASL: {Mechanism: OAUTHBEARER, TokenFile: t, User: a}":       withoutPassword("User", ` is OAUTHBEARER`),
		`SASL: {Mechanism: PLAIN, PasswordFile: a, User: " "}`:        `SASL.User is " "; want a name`,
		`SASL: {Mechanism: PLAIN, PasswordFile: a, User: "b\n"}`:      `SASL.User is a text of several lines; want a name`,
		`SASL: {Mechanism: PLAIN, PasswordFile: a, User: "b\0c"}`:     `SASL.User is "b\x00c"; want a name`,
		`SASL: {Mechanism: PLAIN, PasswordFile: a, User: " orderer"}`: `SASL.User is " orderer"; want a name`,
	}},
	"SASL.PasswordFile": {accepts: "SASL: {Mechanism: SCRAM-SHA-512, User: a, PasswordFile: c}", faults: map[string]string{
		"SASL: {PasswordFile: a}": withoutPassword("PasswordFile", ` is empty`),
		"SASL: {Mechanism: OAUTHBEARER, TokenFile: t, PasswordFile: a}": withoutPassword("PasswordFile", ` is OAUTHBEARER`),
		`SASL: {Mechanism: PLAIN, User: a, PasswordFile: " "}`:          `SASL.PasswordFile is not a file name; want the name of a file`,
	}},
	"SASL.TokenFile": {accepts: "SASL: {Mechanism: OAUTHBEARER, TokenFile: c}", faults: map[string]string{
		"SASL: {TokenFile: a}": withoutToken("TokenFile", ` is empty`),
		"SASL: {Mechanism: PLAIN, User: a, PasswordFile: b, TokenFile: c}": withoutToken("TokenFile", ` is PLAIN`),
		"SASL: {Mechanism: OAUTHBEARER, TokenFile: a, TokenCommand: [/b]}": "SASL.TokenFile is given, and so is SASL.TokenCommand; want one of them",
	}},
	"SASL.TokenCommand": {accepts: `SASL: {Mechanism: OAUTHBEARER, TokenCommand: [/c, "", x, x]}`, faults: map[string]string{
		"SASL: {TokenCommand: /a}": withoutToken("TokenCommand", ` is empty`),
		"SASL: {Mechanism: SCRAM-SHA-256, User: a, PasswordFile: b, TokenCommand: /c}": withoutToken("TokenCommand", ` is SCRAM-SHA-256`),
		`SASL: {Mechanism: OAUTHBEARER, TokenFile: a, TokenCommand: " "}`:              `SASL.TokenCommand is " "; want a list of the absolute path`,
	}},
}

// tooLong returns the fault of a duration that overflows what Kafka, or the sum of a few
// durations, can hold: a broker does not wait at all for a negative time.
func tooLong(section, value string) map[string]string {
	name := strings.NewReplacer(": {", ".", ": %s", "", "}", "").Replace(section)
	return map[string]string{fmt.Sprintf(section, value): name + ` is "` + value + `"; want a duration with its unit`}
}

func withoutTLS(key string) string {
	return "TLS." + key + " is given, but TLS.Enabled is false, so it has no effect; set TLS.Enabled to true, or leave TLS." + key + " empty"
}

func withoutPassword(key, mechanism string) string {
	return "SASL." + key + " is given, but SASL.Mechanism" + mechanism + ", so it has no effect; " +
		"set SASL.Mechanism to PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, or leave SASL." + key + " empty"
}

func withoutToken(key, mechanism string) string {
	return "SASL." + key + " is given, but SASL.Mechanism" + mechanism + ", so it has no effect; " +
		"set SASL.Mechanism to OAUTHBEARER, or leave SASL." + key + " empty"
}

// For each key that needs another one, effects has a section that lacks it.
func TestEveryConditionIsTested(t *testing.T) {
	c := Default()
	keys := keysOf(&c, "")
	var names []string
	for _, k := range keys {
		names = append(names, k.name)
		if k.needs.key != "" {
			if !slices.Contains(names, k.needs.key) {
				t.Fatalf("%s needs a key above it: %q is not in %q", k.name, k.needs.key, names)
			}
			if len(effects[k.name].faults) == 0 {
				t.Fatalf("%v: got nothing", k.name)
			}
		}
	}
	for name := range effects {
		if !slices.Contains(names, name) {
			t.Fatalf("%q is not in %q", name, names)
		}
	}
}

func TestKeysWithEffectAreAccepted(t *testing.T) {
	for name, e := range effects {
		c, err := parse(t, e.accepts)
		if err != nil {
			t.Fatalf("%v: %v", name, err)
		}
		if reflect.DeepEqual(c, Default()) {
			t.Fatalf("%s: %s sets nothing: got %v twice", name, e.accepts, c)
		}
	}
}

// A blank value is a fault, and an empty one is the default or a fault.
func TestBlankAndEmptyValues(t *testing.T) {
	c := Default()
	for _, k := range keysOf(&c, "") {
		section, name, nested := strings.Cut(k.name, ".")
		of := func(value string) string {
			if !nested {
				return section + ": " + value
			}
			return section + ": {" + name + ": " + value + "}"
		}
		for _, blank := range []string{`" "`, `"\t"`, `"\n"`, `[" "]`, `[""]`, `" , "`, `"\u00a0"`} {
			got, err := parse(t, of(blank))
			if want := Key + "." + k.name + " is "; err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("%s accepts %s: %+v: got the error %v, want one with %q", k.name, blank, got, err, want)
			}
		}
		if got, err := parse(t, of(`""`)); err == nil && k.name != "ConsumerGroup" {
			if want := Default(); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s is not at its default with an empty value: got %v, want %v", k.name, got, want)
			}
		}
		got, err := parse(t, of("")) // as if the key were not there
		if err != nil {
			t.Fatalf("%v: %v", k.name, err)
		}
		if want := Default(); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func TestServerNamesAreAccepted(t *testing.T) {
	for _, name := range []string{"", "kafka", "kafka-0.example.com.", "under_score", "10.0.0.1", "::1", "[::1]"} {
		c, err := parse(t, `TLS: {Enabled: true, ServerName: "`+name+`"}`)
		checktest.Must(t, err)
		if !reflect.DeepEqual(c.TLS.ServerName, name) {
			t.Fatalf("c.TLS.ServerName is %v, want %v", c.TLS.ServerName, name)
		}
	}
}

func TestKeysWithoutEffectAreRefused(t *testing.T) {
	for name, e := range effects {
		for section, fault := range e.faults {
			_, err := parse(t, section)
			if want := Key + "." + fault; err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("%s: %s: got the error %v, want one with %q", name, section, err, want)
			}
			if got, want := strings.Count(err.Error(), "\n"), strings.Count(fault, "\n"); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: one fault only, got %v: got %v, want %v", section, err, got, want)
			}
		}
	}
}

// Every key whose condition does not hold is named at once, and no other.
func TestWholeSectionWithoutEffect(t *testing.T) {
	_, err := parse(t, `
TLS: {Enabled: , RootCAs: [a], Certificate: b, PrivateKey: c, ServerName: d}
SASL: {Mechanism: , User: a, PasswordFile: b, TokenFile: c, TokenCommand: [/d]}`)
	if err == nil {
		t.Fatal("got no error")
	}
	var named []string
	for line := range strings.Lines(err.Error()) {
		named = append(named, strings.TrimPrefix(strings.Fields(line)[0], Key+"."))
		if text := "so it has no effect"; !strings.Contains(line, text) {
			t.Fatalf("%q is not in %q", text, line)
		}
	}
	slices.Sort(named)
	if want := []string{"SASL.PasswordFile", "SASL.TokenCommand", "SASL.TokenFile", "SASL.User",
		"TLS.Certificate", "TLS.PrivateKey", "TLS.RootCAs", "TLS.ServerName"}; !reflect.DeepEqual(named, want) {
		t.Fatalf("got %v, want %v", named, want)
	}
}

// If the key of a condition is refused, that is the only fault to fix.
func TestConditionOnARefusedKeyIsIgnored(t *testing.T) {
	_, err := parse(t, "TLS: {Enabled: yes please, RootCAs: [a]}\nSASL: {Mechanism: GSSAPI, User: a}")
	checktest.Fails(t, err, "TLS.Enabled is")
	checktest.Fails(t, err, "SASL.Mechanism is")
	if got := err.Error(); strings.Contains(got, "no effect") {
		t.Fatalf("%q is in %q", "no effect", got)
	}
}

// The keys next to the section Kafka belong to other consensus types; our own keys there would not be read.
func TestMisplacedKeysAreRefused(t *testing.T) {
	for name, value := range map[string]any{
		"TLS":          map[string]any{"Enabled": true},
		"sasl":         nil,
		"Brokers":      "a:9092",
		"KafkaCluster": "x",
		"Kafak":        map[string]any{"TLS": map[any]any{"Enabled": true}},
		"Kakfa":        map[any]any{"Health": "brokers"},
	} {
		_, err := Parse(map[string]any{"WALDir": "/wal", "Options": map[string]any{"x": 1}, "Kafka": nil, name: value}, "")
		if got := fmt.Sprint(err); got != "Consensus."+name+" has no effect, since it is not in "+Key+"; move what is meant for the brokers into "+Key {
			t.Fatalf("%v: got %q, want %q", name, got, "Consensus."+name+" has no effect, since it is not in "+Key+"; move what is meant for the brokers into "+Key)
		}
	}
}
