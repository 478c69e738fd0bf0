package apache

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"
)

// Node is one of the nodes of a cluster: broker and controller in one process.
type Node struct {
	ID         int    // from 1
	Address    string // for clients
	Controller string // for the other nodes
	Listeners  []Listener
}

// Listener is an additional listener for clients.
type Listener struct {
	Name       string // capital letters and digits
	Protocol   string // PLAINTEXT, SSL, SASL_SSL or SASL_PLAINTEXT
	Address    string
	Advertised string // advertised to clients, for instance a proxy's address; empty: Address
}

// AdvertisedAddress returns the address that the broker advertises to clients.
func (l Listener) AdvertisedAddress() string { return cmp.Or(l.Advertised, l.Address) }

// User may log in with SCRAM.
type User struct {
	Mechanism, Name, Password string
}

// Cluster is a cluster whose data is below Dir. All nodes are on the loopback
// interface, without encryption or authentication, except what Settings configure
// for additional listeners.
type Cluster struct {
	Kafka    *Kafka
	Dir      string
	Nodes    []Node
	Settings []string // more lines of server.properties, for every node
	Java     []string // more options of the Java that runs a node
	Users    []User   // created when the storage is formatted
}

// clusterID is the same for every cluster of this package: a node's folder belongs to
// one cluster by its path.
const clusterID = "ZmFicmljLWthZmthLW9yZA"

// Timeouts in a node's settings, which determine how long no append succeeds after a kill.
const (
	SessionTimeout  = 1200 * time.Millisecond // broker.session.timeout.ms: a broker that is silent for this long is fenced
	FetchTimeout    = 1000 * time.Millisecond // controller.quorum.fetch.timeout.ms: a controller that is silent for this long is replaced by an election
	ElectionTimeout = 500 * time.Millisecond  // controller.quorum.election.timeout.ms: one vote, at most
)

// settings returns the server.properties of a node. These are not at their defaults: the
// replication that a channel's topic needs; auto-creation of topics, which is off;
// sessions that end soon enough for a fail-over within a few seconds, longer in
// production; buffers, for a small heap.
var settings = template.Must(template.New("server.properties").Parse(`process.roles=broker,controller
node.id={{.Node.ID}}
controller.quorum.voters={{.Voters}}
listeners=PLAINTEXT://{{.Node.Address}},CONTROLLER://{{.Node.Controller}}{{range .Node.Listeners}},{{.Name}}://{{.Address}}{{end}}
advertised.listeners=PLAINTEXT://{{.Node.Address}}{{range .Node.Listeners}},{{.Name}}://{{.AdvertisedAddress}}{{end}}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{{range .Node.Listeners}},{{.Name}}:{{.Protocol}}{{end}}
log.dirs={{.Data}}
auto.create.topics.enable=false
default.replication.factor={{.Replicas}}
min.insync.replicas={{.InSync}}
offsets.topic.replication.factor={{.Replicas}}
transaction.state.log.replication.factor={{.Replicas}}
transaction.state.log.min.isr=1
offsets.topic.num.partitions=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms={{.SessionTimeout}}
broker.heartbeat.interval.ms=200
controller.quorum.fetch.timeout.ms={{.FetchTimeout}}
controller.quorum.election.timeout.ms={{.ElectionTimeout}}
controller.quorum.election.backoff.max.ms=300
controller.quorum.request.timeout.ms=1000
replica.lag.time.max.ms=3000
replica.fetch.wait.max.ms=200
replica.fetch.backoff.ms=200
log.cleaner.dedupe.buffer.size=4194304
{{range .Settings}}{{.}}
{{end}}`))

// Logging settings: each version reads those of its logging library.
const (
	log4j = `log4j.rootLogger=INFO, F
log4j.appender.F=org.apache.log4j.ConsoleAppender
log4j.appender.F.layout=org.apache.log4j.PatternLayout
log4j.appender.F.layout.ConversionPattern=[%d] %p %m (%c)%n
`
	log4j2 = `rootLogger.level = INFO
rootLogger.appenderRef.f.ref = F
appender.f.type = Console
appender.f.name = F
appender.f.layout.type = PatternLayout
appender.f.layout.pattern = [%d] %p %m (%c)%n
`
)

func (c *Cluster) folder(n Node) string { return filepath.Join(c.Dir, fmt.Sprintf("broker%d", n.ID)) }

// Prepare writes a node's settings and formats its storage, unless that was done before.
func (c *Cluster) Prepare(n Node) error {
	folder := c.folder(n)
	data := filepath.Join(folder, "data")
	if _, err := os.Stat(filepath.Join(data, "meta.properties")); err == nil {
		return nil
	}
	if err := os.MkdirAll(data, 0o755); err != nil {
		return err
	}
	voters := make([]string, len(c.Nodes))
	for i, v := range c.Nodes {
		voters[i] = fmt.Sprintf("%d@%s", v.ID, v.Controller)
	}
	replicas := min(len(c.Nodes), 3)
	var text bytes.Buffer
	err := settings.Execute(&text, struct {
		Node             Node
		Voters, Data     string
		Replicas, InSync int
		Settings         []string

		SessionTimeout, FetchTimeout, ElectionTimeout int64
	}{n, strings.Join(voters, ","), data, replicas, (replicas + 1) / 2, c.Settings,
		SessionTimeout.Milliseconds(), FetchTimeout.Milliseconds(), ElectionTimeout.Milliseconds()})
	if err != nil {
		return err
	}
	for name, content := range map[string]string{"server.properties": text.String(), "log4j.properties": log4j, "log4j2.properties": log4j2} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil { // settings may hold passwords
			return err
		}
	}
	return c.format(n)
}

// format formats a node's storage. Names and passwords of users are on the command line:
// for tests only.
func (c *Cluster) format(n Node) error {
	folder := c.folder(n)
	args := []string{"format", "-t", clusterID, "-c", filepath.Join(folder, "server.properties")}
	for _, u := range c.Users {
		args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", u.Mechanism, u.Name, u.Password))
	}
	line := c.Kafka.java(folder, "kafka.tools.StorageTool", args...)
	if out, err := exec.Command(line[0], line[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("format the storage of broker %d: %w\n%s", n.ID, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Command returns the command line of a prepared node.
func (c *Cluster) Command(n Node) []string {
	folder := c.folder(n)
	line := c.Kafka.java(folder, "kafka.Kafka", filepath.Join(folder, "server.properties"))
	return slices.Insert(line, 1, c.Java...)
}

// java returns the command line of one of Kafka's programs, with its logging settings
// in a folder. On two cores, a broker starts in one second instead of two with only the
// first compiler (TieredStopAtLevel=1).
func (k *Kafka) java(folder, class string, args ...string) []string {
	line := []string{"java", "-Xms128m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"}
	if _, err := os.Stat(k.classes()); err == nil {
		line = append(line, "-XX:SharedArchiveFile="+k.classes())
	}
	line = append(line, k.options(folder)...)
	return append(append(line, class), args...)
}

func (k *Kafka) options(folder string) []string {
	return []string{
		"-Dlog4j.configuration=file:" + filepath.Join(folder, "log4j.properties"),
		"-Dlog4j2.configurationFile=" + filepath.Join(folder, "log4j2.properties"),
		"-cp", filepath.Join(k.libs(), "*"),
	}
}
