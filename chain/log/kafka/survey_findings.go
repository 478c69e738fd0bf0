package kafka

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// leastReplicas and leastInSync are those with which the loss of one broker loses
// nothing and stops nothing.
const leastReplicas, leastInSync = 3, 2

// mostAhead is how far a clock may be ahead of ours before it is a finding.
const mostAhead = 10 * time.Second

// examiner makes findings of what was read.
type examiner struct {
	config Config
	topic  string
	found  []log.Finding
}

func (l *Log) examiner() *examiner { return &examiner{config: l.config, topic: l.topic} }

func (e *examiner) add(f log.Finding) { e.found = append(e.found, f) }

// judge adds a finding that is known.
func (e *examiner) judge(ok bool, f log.Finding) { e.judgeAs(log.Flawed, ok, f) }

// judgeAs adds one that is of this verdict if it is not ok.
func (e *examiner) judgeAs(bad log.Verdict, ok bool, f log.Finding) {
	f.Verdict = bad
	if ok {
		f.Verdict, f.Risk, f.Mend = log.Fit, "", ""
	}
	e.add(f)
}

func (e *examiner) unknown(setting, want, why, mend string) {
	e.add(log.Finding{Setting: setting, Value: why, Want: want, Verdict: log.Unknown, Mend: mend})
}

// tool is the start of a line with one of Kafka's tools.
func (e *examiner) tool(name string) string {
	return fmt.Sprintf("%s --bootstrap-server %s ", name, e.config.Brokers[0])
}

func (e *examiner) alter(setting, value string) string {
	return e.tool("kafka-configs.sh") + fmt.Sprintf("--alter --entity-type topics --entity-name %s --add-config %s=%s", e.topic, setting, value)
}

// shape is the number of partitions and of replicas.
func (e *examiner) shape(partitions int, replicas, brokers []int32) {
	e.judge(partitions == 1, log.Finding{Setting: "partitions", Value: strconv.Itoa(partitions), Want: "1",
		Risk: "only the first is used; a writer that spreads records has them lost",
		Mend: "partitions cannot be removed: if nothing was ordered through the topic, remove it, and an orderer makes it anew"})
	e.judge(len(replicas) >= leastReplicas, log.Finding{Setting: "replication factor", Value: strconv.Itoa(len(replicas)),
		Want: fmt.Sprintf("%d or more", leastReplicas), Risk: "the loss of a broker loses what was acknowledged, or stops the channel",
		Mend: e.reassign(replicas, brokers)})
}

// reassign adds brokers to those that have the topic.
func (e *examiner) reassign(replicas, brokers []int32) string {
	if len(brokers) < leastReplicas {
		return fmt.Sprintf("the cluster has %d brokers: add some, then reassign the topic to %d of them with kafka-reassign-partitions.sh", len(brokers), leastReplicas)
	}
	all := slices.Clone(replicas)
	for _, b := range brokers {
		if len(all) < leastReplicas && !slices.Contains(all, b) {
			all = append(all, b)
		}
	}
	ids := strings.Trim(strings.ReplaceAll(fmt.Sprint(all), " ", ","), "[]")
	return fmt.Sprintf(`echo '{"version":1,"partitions":[{"topic":"%s","partition":0,"replicas":[%s]}]}' > topic.json; `, e.topic, ids) +
		e.tool("kafka-reassign-partitions.sh") + "--reassignment-json-file topic.json --execute"
}

// wish is a setting of a topic and what it should be.
type wish struct {
	setting, want, risk string
	value               string // that mends it
	ok                  func(value string) bool
}

func (e *examiner) wishes() []wish {
	is := func(want string) func(string) bool { return func(v string) bool { return v == want } }
	atLeast := func(least int) func(string) bool {
		return func(v string) bool { n, err := strconv.Atoi(v); return err == nil && n >= least }
	}
	largest := e.config.Settings.MaxMessageBytes + recordOverhead
	return []wish{
		{"min.insync.replicas", fmt.Sprintf("%d or more", leastInSync), "an acknowledged record may be on one broker only", strconv.Itoa(leastInSync), atLeast(leastInSync)},
		{"unclean.leader.election.enable", "false", "a broker that lacks acknowledged records may become the leader", "false", is("false")},
		{"cleanup.policy", "delete", "compaction keeps one record of all", "delete", is("delete")},
		{"retention.ms", "-1", "records are deleted by age, read or not", "-1", is("-1")},
		{"retention.bytes", "-1", "records are deleted by size, read or not", "-1", is("-1")},
		{maxBytesSetting, fmt.Sprintf("%d or more", largest), "envelopes that the channel allows are refused", strconv.Itoa(e.config.topicMaxBytes()), atLeast(largest)},
	}
}

// settings compares what the brokers tell; hidden says why they tell nothing.
func (e *examiner) settings(values map[string]string, hidden string) {
	for _, w := range e.wishes() {
		value, known := values[w.setting]
		switch {
		case hidden != "":
			e.unknown(w.setting, w.want, hidden, e.grant("DescribeConfigs"))
		case !known:
			e.unknown(w.setting, w.want, "the brokers do not name it", "ask the service that runs them")
		default:
			e.judge(w.ok(value), log.Finding{Setting: w.setting, Value: value, Want: w.want, Risk: w.risk, Mend: e.alter(w.setting, w.value)})
		}
	}
}

// Operations on a topic, as Kafka numbers them.
var operations = []struct {
	code int
	name string
}{{3, "Read"}, {4, "Write"}, {5, "Create"}, {6, "Delete"}, {7, "Alter"}, {8, "Describe"}, {10, "DescribeConfigs"}, {11, "AlterConfigs"}}

// neededRights are those without which a channel cannot be ordered.
var neededRights = []string{"Read", "Write"}

const rightsSetting, rightsRisk = "rights on the topic", "the channel cannot be ordered by this orderer"

func (e *examiner) grant(names ...string) string {
	return e.tool("kafka-acls.sh") + fmt.Sprintf("--add --allow-principal User:NAME --operation %s --topic %s", strings.Join(names, " --operation "), e.topic)
}

// rights compares what this client may do. Reading its settings is worth a right of its own.
func (e *examiner) rights(allowed int32) {
	want := strings.Join(neededRights, ", ")
	if allowed < 0 {
		e.unknown(rightsSetting, want, "the brokers do not tell", "")
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
	e.judge(len(missing) == 0, log.Finding{Setting: rightsSetting, Value: value, Want: want, Risk: rightsRisk, Mend: e.grant(missing...)})
}

// noRights is all that can be said of a topic that is not shown.
func (e *examiner) noRights() {
	e.judge(false, log.Finding{Setting: rightsSetting, Value: "none", Want: strings.Join(neededRights, ", "), Risk: rightsRisk,
		Mend: e.grant("Read", "Write", "DescribeConfigs")})
}

const releasesSetting, releasesWant = "brokers' release", "2.8 to 4.x"

// releases are those of the brokers that hold the topic.
func (e *examiner) releases(all map[int32]spoken, silent []string) {
	if len(all) == 0 || len(silent) > 0 {
		e.unknown(releasesSetting, releasesWant, "no answer from "+strings.Join(silent, "; "), "")
		return
	}
	names, missing := text(all)
	e.judge(len(missing) == 0, log.Finding{Setting: releasesSetting, Value: names, Want: releasesWant,
		Risk: "a broker does not take " + strings.Join(missing, ", ") + ", which this orderer sends", Mend: "run brokers of one of these releases"})
}

const (
	clockSetting = "clocks"
	clockWant    = "the newest record's time stamp at most 10s after this orderer's clock"
)

// clock holds the time stamp of the newest record against this clock. One that is
// ahead shows the least by which two clocks differ; one behind shows nothing, the
// channel may have been idle. It is never more than a warning: the stamp stays in
// the topic until the next record, and nobody could append one to a channel that
// does not begin for it.
func (e *examiner) clock(at time.Time, whose string, err error) {
	if err != nil {
		e.unknown(clockSetting, clockWant, err.Error(), "")
		return
	}
	ahead, where := time.Until(at).Round(time.Millisecond), "after"
	ok := ahead <= mostAhead
	if ahead < 0 {
		ahead, where = -ahead, "before"
	}
	e.judgeAs(log.Warned, ok, log.Finding{Setting: clockSetting, Value: fmt.Sprintf("%s %s this orderer's, by %s", ahead, where, whose), Want: clockWant,
		Risk: "certificates expire at other moments, and brokers refuse records of a clock that is far ahead (message.timestamp.after.max.ms)",
		Mend: "keep the clocks of orderers and brokers by NTP: chronyc tracking"})
}
