package kafkatest

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// environment is the variable that makes a test binary a broker process; its value is a
// config.
const environment = "KAFKATEST_CLUSTER"

// Serve turns the process into a cluster, and does not return, if [Start] started it as
// one. Call it first in TestMain.
func Serve() {
	text := os.Getenv(environment)
	if text == "" {
		return
	}
	s := &server{faults: map[int]*kfake.FaultHandle{}}
	answers := json.NewEncoder(os.Stdout)
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	err := s.start(text)
	if err := answers.Encode(outcome(reply{}, err)); err != nil {
		os.Exit(1)
	}
	go func() {
		<-end
		s.cluster.Close()
		os.Exit(0)
	}()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		r := request{}
		answer, err := reply{}, json.Unmarshal(lines.Bytes(), &r)
		if err == nil {
			answer, err = s.do(r)
		}
		if err := answers.Encode(outcome(answer, err)); err != nil {
			break
		}
	}
	os.Exit(1) // the test process is gone
}

func outcome(answer reply, err error) reply {
	if err != nil {
		answer.Error = err.Error()
	}
	return answer
}

// server is the cluster in its process.
type server struct {
	cluster *kfake.Cluster
	wire    *wire
	faults  map[int]*kfake.FaultHandle
	last    int // id of the last fault

	addresses map[int32]string // of the brokers
	scripted  *scripted        // nil: no script was set yet
}

func (s *server) start(text string) error {
	c := config{}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	s.wire = newWire()
	opts := []kfake.Opt{kfake.Ports(c.Ports...), kfake.DataDir(c.Dir), kfake.ListenFn(s.wire.listen)}
	if c.TLS != nil {
		opts = append(opts, kfake.TLS(c.TLS.server()))
	}
	if len(c.Users) > 0 {
		opts = append(opts, kfake.EnableSASL(), kfake.Superuser("PLAIN", SuperUser, SuperPassword))
	}
	for user, password := range c.Users {
		opts = append(opts, kfake.User(c.Mechanism, user, password))
	}
	if c.ACLs {
		opts = append(opts, kfake.EnableACLs())
	}
	s.addresses = map[int32]string{}
	for node, port := range c.Ports {
		s.addresses[int32(node)] = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	var err error
	s.cluster, err = kfake.NewCluster(opts...)
	return err
}

// server returns a config that reads the files for each connection.
func (t *TLS) server() *tls.Config {
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		pair, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
		if err != nil {
			return nil, err
		}
		c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
		if t.ClientCA == "" {
			return c, nil
		}
		pem, err := os.ReadFile(t.ClientCA)
		if err != nil {
			return nil, err
		}
		c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if !c.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("no certificate in " + t.ClientCA)
		}
		return c, nil
	}}
}

func (s *server) do(r request) (reply, error) {
	switch r.Op {
	case "create":
		return reply{}, s.cluster.CreateTopic(r.Topic, r.Partitions, r.Configs)
	case "delete":
		return reply{}, s.cluster.DeleteTopic(r.Topic)
	case "recreate":
		return reply{}, errors.Join(s.cluster.DeleteTopic(r.Topic), s.cluster.CreateTopic(r.Topic, r.Partitions, r.Configs))
	case "trim":
		return reply{}, s.cluster.DeleteRecords(r.Topic, 0, r.Offset)
	case "move":
		return reply{}, s.cluster.MoveTopicPartition(r.Topic, 0, r.Node)
	case "info":
		return reply{Info: s.info(r.Topic)}, nil
	case "fault":
		return s.fault(*r.Fault)
	case "hits":
		return reply{Hits: s.faults[r.ID].Hits()}, nil
	case "unfault":
		s.faults[r.ID].Remove()
	case "slow":
		s.slow(r.Key, r.Delay)
	case "throttle":
		s.throttle(r.Delay)
	case "swallow":
		s.wire.swallow()
	case "flow":
		s.wire.flow()
	case "cut":
		s.wire.cut()
	case "script":
		s.script(r.Topic, r.Answers)
	case "limit":
		return reply{}, limitFiles(r.Bytes)
	default:
		return reply{}, fmt.Errorf("unknown request %q", r.Op)
	}
	return reply{}, nil
}

func (s *server) info(topic string) Info {
	t, p := s.cluster.TopicInfo(topic), s.cluster.PartitionInfo(topic, 0)
	if t == nil || p == nil {
		return Info{}
	}
	return Info{
		Exists:     true,
		ID:         base64.RawURLEncoding.EncodeToString(t.TopicID[:]),
		Partitions: len(s.cluster.PartitionInfos(topic)),
		Start:      p.LogStartOffset,
		End:        p.HighWatermark,
		Leader:     p.Leader,
		Epoch:      p.Epoch,
	}
}

func (s *server) fault(f Fault) (reply, error) {
	var code *kerr.Error
	if !f.Observe && !errors.As(kerr.ErrorForCode(f.Code), &code) {
		return reply{}, fmt.Errorf("unknown code %d", f.Code)
	}
	if f.Count == 0 {
		f.Count = -1
	}
	s.last++
	s.faults[s.last] = s.cluster.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Key(f.Key)}, Topic: f.Topic, Err: code, Count: f.Count, Observe: f.Observe, TopLevel: f.TopLevel,
	})
	return reply{ID: s.last}, nil
}

// slow delays every request with a key; other connections are served meanwhile.
func (s *server) slow(key int16, delay time.Duration) {
	s.cluster.ControlKey(key, func(kmsg.Request) (kmsg.Response, error, bool) {
		s.cluster.KeepControl()
		s.cluster.SleepControl(func() { time.Sleep(delay) })
		return nil, nil, false
	})
}

// throttle answers the next fetch request with only a throttle time, as Kafka does when a
// quota is exceeded.
func (s *server) throttle(pause time.Duration) {
	s.cluster.ControlKey(KeyFetch, func(r kmsg.Request) (kmsg.Response, error, bool) {
		response := r.ResponseKind().(*kmsg.FetchResponse)
		response.ThrottleMillis = int32(pause.Milliseconds())
		return response, nil, true
	})
}

// limitFiles bounds the size of files: writes beyond it fail as on a full disk. 0 removes the
// limit.
func limitFiles(n uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	if n > 0 {
		limit.Cur = n
	}
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}
