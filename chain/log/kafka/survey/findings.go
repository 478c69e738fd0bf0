package survey

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
)

// maxAhead is how far a clock may be ahead of ours before it is a finding.
const maxAhead = 10 * time.Second

// surveyor turns what was read from the brokers into findings.
type surveyor struct {
	config client.Config
	topic  string
	found  []log.Finding

	visible bool // the brokers show the topic to this client
}

func (s *surveyor) add(f log.Finding) { s.found = append(s.found, f) }

// require adds a finding of what is known: a flaw unless it is ok.
func (s *surveyor) require(ok bool, f log.Finding) { s.requireAs(log.Flawed, ok, f) }

// requireAs is require with a result other than [log.Flawed] if the check fails.
func (s *surveyor) requireAs(bad log.Result, ok bool, f log.Finding) {
	f.Result = bad
	if ok {
		f.Result, f.Risk, f.Remedy = log.Fit, "", ""
	}
	s.add(f)
}

func (s *surveyor) unknown(setting, want, why, remedy string) {
	s.add(log.Finding{Setting: setting, Value: why, Want: want, Result: log.Unknown, Remedy: remedy})
}

// ToolSettings is the file that remedies for secured brokers name: Kafka's tools read from it
// how to connect and log in. Its principal is one that may change topics, which no orderer's may.
const ToolSettings = "admin.properties"

// tool returns the start of a command line of one of Kafka's tools.
func (s *surveyor) tool(name string) string {
	start := fmt.Sprintf("%s --bootstrap-server %s ", name, strings.Join(s.config.Brokers, ","))
	if s.config.TLS != nil || s.config.SASL != nil {
		start += "--command-config " + ToolSettings + " "
	}
	return start
}

func (s *surveyor) alter(setting, value string) string {
	return s.tool("kafka-configs.sh") + fmt.Sprintf("--alter --entity-type topics --entity-name %s --add-config %s=%s", s.topic, setting, value)
}

// requirement is what a setting of a topic should be.
type requirement struct {
	setting, want, risk string
	value               string // that fixes it
	ok                  func(value string) bool
}

func (s *surveyor) requirements() []requirement {
	is := func(want string) func(string) bool { return func(v string) bool { return v == want } }
	atLeast := func(limit int) func(string) bool {
		return func(v string) bool { n, err := strconv.Atoi(v); return err == nil && n >= limit }
	}
	largest := s.config.BatchBytes()
	return []requirement{
		{minInSyncSetting, fmt.Sprintf("%d or more", minInSync), "an acknowledged record may be on one broker only", strconv.Itoa(minInSync), atLeast(minInSync)},
		{"unclean.leader.election.enable", "false", "a broker that lacks acknowledged records may become the leader", "false", is("false")},
		{"cleanup.policy", "delete", "compaction deletes all records but one", "delete", is("delete")},
		{"retention.ms", "-1", "records are deleted by age, read or not", "-1", is("-1")},
		{"retention.bytes", "-1", "records are deleted by size, read or not", "-1", is("-1")},
		{client.MaxBytesSetting, fmt.Sprintf("%d or more", largest), "envelopes that the channel allows are refused", strconv.Itoa(s.config.TopicBytes()), atLeast(largest)},
	}
}

// settings checks what the brokers report; hidden is why they report nothing, if so.
func (s *surveyor) settings(values map[string]string, hidden string) {
	for _, w := range s.requirements() {
		value, known := values[w.setting]
		switch {
		case hidden != "":
			s.unknown(w.setting, w.want, hidden, s.grant("DescribeConfigs"))
		case !known:
			s.unknown(w.setting, w.want, "the brokers do not report it", "ask the service that runs them")
		default:
			s.require(w.ok(value), log.Finding{Setting: w.setting, Value: value, Want: w.want, Risk: w.risk, Remedy: s.alter(w.setting, w.value)})
		}
	}
}

// Operations on a topic, as Kafka numbers them.
var operations = []struct {
	code int
	name string
}{{3, "Read"}, {4, "Write"}, {5, "Create"}, {6, "Delete"}, {7, "Alter"}, {8, "Describe"}, {10, "DescribeConfigs"}, {11, "AlterConfigs"}}

// neededRights are required to order a channel.
var neededRights = []string{"Read", "Write"}

const rightsSetting, rightsRisk = "rights on the topic", "this orderer cannot order the channel"

func (s *surveyor) grant(names ...string) string {
	return s.tool("kafka-acls.sh") + fmt.Sprintf("--add --allow-principal User:NAME --operation %s --topic %s", strings.Join(names, " --operation "), s.topic)
}

// rights checks the rights of this client. Reading the topic's settings needs a right that
// ordering does not.
func (s *surveyor) rights(allowed int32) {
	want := strings.Join(neededRights, ", ")
	if allowed < 0 {
		s.unknown(rightsSetting, want, "the brokers do not report them", "")
		return
	}
	var names, missing []string
	for _, o := range operations {
		if allowed&(1<<o.code) != 0 {
			names = append(names, o.name)
		} else if slices.Contains(neededRights, o.name) {
			missing = append(missing, o.name)
		}
	}
	value := strings.Join(names, ", ")
	if value == "" {
		value = "none"
	}
	s.require(len(missing) == 0, log.Finding{Setting: rightsSetting, Value: value, Want: want, Risk: rightsRisk, Remedy: s.grant(missing...)})
}

// noRights adds the only finding about a topic that the brokers do not show.
func (s *surveyor) noRights() {
	s.require(false, log.Finding{Setting: rightsSetting, Value: "none", Want: strings.Join(neededRights, ", "), Risk: rightsRisk,
		Remedy: s.grant("Read", "Write", "DescribeConfigs")})
}

const releasesSetting, releasesWant = "brokers' release", "2.8 to 4.x"

// releases checks the releases of the brokers that have the topic.
func (s *surveyor) releases(all map[int32]apiVersions, silent []string) {
	if len(all) == 0 || len(silent) > 0 {
		s.unknown(releasesSetting, releasesWant, "no answer from "+strings.Join(silent, "; "), "")
		return
	}
	names, missing := text(all)
	s.require(len(missing) == 0, log.Finding{Setting: releasesSetting, Value: names, Want: releasesWant,
		Risk: "a broker does not support " + strings.Join(missing, ", ") + ", which this orderer sends", Remedy: "run brokers of one of these releases"})
}

const (
	clockSetting = "clocks"
	clockWant    = "the newest record's timestamp at most 10s after this orderer's clock"
)

// clock compares the timestamp of the newest record with the local clock. A stamp that is
// ahead is a lower bound for the difference of two clocks; a stamp that is behind proves
// nothing, since the channel may have been idle. It is never more than a warning: the stamp
// stays in the topic until the next record, and no record could be appended to a channel
// that this kept from starting.
func (s *surveyor) clock(at time.Time, whose string, err error) {
	if err != nil {
		s.unknown(clockSetting, clockWant, err.Error(), "")
		return
	}
	ahead, where := time.Until(at).Round(time.Millisecond), "after"
	ok := ahead <= maxAhead
	if ahead < 0 {
		ahead, where = -ahead, "before"
	}
	s.requireAs(log.Warned, ok, log.Finding{Setting: clockSetting, Value: fmt.Sprintf("%s %s this orderer's, by %s", ahead, where, whose), Want: clockWant,
		Risk:   "certificates expire at different times, and brokers refuse records from a clock that is far ahead (message.timestamp.after.max.ms)",
		Remedy: "synchronize the clocks of orderers and brokers with NTP: chronyc tracking"})
}
