package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/network/fabricnet"
)

// Fault is a fault that is injected into a network and repaired.
type Fault struct {
	Name        string
	Description string
	do          func(ctx context.Context, r *run) error
	needs       func(fabricnet.Options) error // why a network does not support it; nil: all do
}

// can returns why a network does not support the fault, or nil.
func (f Fault) can(o fabricnet.Options) error {
	if f.needs == nil {
		return nil
	}
	return f.needs(o)
}

// Faults are all faults.
var Faults = []Fault{
	{"broker-kill", "a broker is killed, and started after up to 3 s", killed((*run).broker), needsOwn},
	{"leader-kill", "the broker that leads the topic is killed, and started after up to 3 s", leaderKill, needsOwn},
	{"follower-kill", "a broker that follows the topic's leader is killed, and started after up to 3 s", followerKill, needsThree},
	{"controller-kill", "the node that is the active controller is killed, and started after up to 3 s", controllerKill, needsThree},
	{"broker-restart", "a broker is stopped gracefully, and started", restarted((*run).broker), needsOwn},
	{"broker-stall", "a broker is suspended for 5 to 15 s (SIGSTOP)", stalled((*run).broker, 5*time.Second, 15*time.Second), needsOwn},
	{"brokers-rolling", "all brokers are restarted, one after the other", rolling, needsOwn},
	{"brokers-two", "two brokers are killed, and started after 5 s", brokersTwo, needsThree},
	{"brokers-all", "all brokers are killed, and started after 5 s", brokersAll, needsOwn},
	{"leader-move", "another broker becomes the leader", leaderMove, needsThree},
	{"limit-low", "the topic accepts no record of more than 1000 bytes for 5 s", limitLow, nil},
	{"orderer-kill", "an orderer is killed, and started after up to 3 s", killed((*run).orderer), nil},
	{"orderer-restart", "an orderer is stopped gracefully, and started", restarted((*run).orderer), nil},
	{"orderer-stall", "an orderer is suspended for 2 to 6 s (SIGSTOP)", stalled((*run).orderer, 2*time.Second, 6*time.Second), nil},
	{"orderer-cut", "an orderer's connections to all brokers are cut and refused for 5 to 15 s; with --proxied", cut, needsProxy},
	{"orderer-half-open", "an orderer's requests to the brokers, or their answers, are lost for 10 to 20 s on open connections; with --proxied", halfOpen, needsProxy},
	{"orderer-slow", "an orderer's links to the brokers have a latency of 300 ms and a rate of 256 KB/s for 5 to 15 s; with --proxied", slow, needsProxy},
	{"orderer-disk-full", "the disk of an orderer's ledger is filled except for 8 MB for 5 to 10 s; with --ledger-disk", diskFull, needsDisk},
}

// Named returns the faults of these names, for a network with these options. A name that
// ends in * selects all faults with that prefix that the network supports; a fault that is
// named in full and not supported is an error.
func Named(o fabricnet.Options, names []string) (chosen []Fault, err error) {
	for _, name := range names {
		some, err := named(o, name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, some...)
	}
	return chosen, nil
}

func named(o fabricnet.Options, name string) (chosen []Fault, cannot error) {
	prefix, all := strings.CutSuffix(name, "*")
	for _, f := range Faults {
		if f.Name != name && (!all || !strings.HasPrefix(f.Name, prefix)) {
			continue
		}
		if err := f.can(o); err != nil {
			cannot = fmt.Errorf("%s: %w", f.Name, err)
			continue
		}
		chosen = append(chosen, f)
	}
	switch {
	case len(chosen) > 0:
		return chosen, nil
	case cannot != nil:
		return nil, cannot
	}
	return nil, fmt.Errorf("there is no fault %q: want one of %s", name, strings.Join(Names(), ", "))
}

// Names returns the names of all faults.
func Names() (all []string) {
	for _, f := range Faults {
		all = append(all, f.Name)
	}
	return all
}

func killed(whom func(*run) string) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		name := whom(r)
		r.note("kill %s", name)
		return r.kill(ctx, name)
	}
}

func (r *run) kill(ctx context.Context, name string) error {
	if err := r.Network.Kill(name); err != nil {
		return err
	}
	if err := r.pause(ctx, 200*time.Millisecond, 3*time.Second); err != nil {
		return err
	}
	return r.Network.Start(ctx, name)
}

func restarted(whom func(*run) string) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error { return restart(ctx, r, whom(r)) }
}

func restart(ctx context.Context, r *run, name string) error {
	r.note("restart %s", name)
	if err := r.Network.Stop(name); err != nil {
		return err
	}
	return r.Network.Start(ctx, name)
}

func stalled(whom func(*run) string, least, most time.Duration) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		name := whom(r)
		r.note("stall %s", name)
		if err := r.Network.Pause(name); err != nil {
			return err
		}
		return errors.Join(r.pause(ctx, least, most), r.Network.Continue(name))
	}
}

func rolling(ctx context.Context, r *run) error {
	for _, name := range r.Network.BrokerNames() {
		if err := restart(ctx, r, name); err != nil {
			return err
		}
	}
	return nil
}

func needsDisk(o fabricnet.Options) error {
	if o.LedgerDisk == 0 {
		return errors.New("it needs a disk for each orderer's ledger: start the network with --ledger-disk 256")
	}
	return nil
}

func needsOwn(o fabricnet.Options) error {
	if len(o.Brokers) > 0 {
		return errors.New("it needs brokers of the network's own: start the network with --brokers embedded or apache")
	}
	return nil
}

func needsThree(o fabricnet.Options) error {
	if o.Apache == "" || o.BrokerCount < 3 {
		return errors.New("it needs three brokers of Apache Kafka: start the network with --brokers apache")
	}
	return nil
}

func brokersTwo(ctx context.Context, r *run) error {
	names := slices.Clone(r.Network.BrokerNames())
	r.rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	r.note("kill %s and %s", names[0], names[1])
	if err := errors.Join(r.Network.Kill(names[0]), r.Network.Kill(names[1]), r.pause(ctx, 5*time.Second, 5*time.Second)); err != nil {
		return err
	}
	return errors.Join(r.Network.Start(ctx, names[0]), r.Network.Start(ctx, names[1]))
}

func brokersAll(ctx context.Context, r *run) error {
	r.note("kill all brokers")
	if err := errors.Join(r.Network.StopBrokers(), r.pause(ctx, 5*time.Second, 5*time.Second)); err != nil {
		return err
	}
	return r.Network.StartBrokers(ctx)
}

// diskLeft is less than an orderer's reserve, and enough for Fabric's remaining writes.
const diskLeft = 8 << 20

func diskFull(ctx context.Context, r *run) error {
	name := r.orderer()
	r.note("fill the disk of %s", name)
	if err := r.Network.FillLedger(name, diskLeft); err != nil {
		return err
	}
	return errors.Join(r.pause(ctx, 5*time.Second, 10*time.Second), r.Network.FreeLedger(name))
}

func (r *run) client() (sarama.Client, error) {
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Metadata.AllowAutoTopicCreation = false
	return sarama.NewClient(r.Network.Descriptor().Brokers, config)
}

// admin returns a client and a cluster admin on top of it; closing the admin closes both.
func (r *run) admin() (sarama.Client, sarama.ClusterAdmin, error) {
	c, err := r.client()
	if err != nil {
		return nil, nil, err
	}
	a, err := sarama.NewClusterAdminFromClient(c)
	if err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return c, a, nil
}

// limitLow lowers max.message.bytes below the size of any envelope.
func limitLow(ctx context.Context, r *run) error {
	_, a, err := r.admin()
	if err != nil {
		return err
	}
	defer a.Close()
	before, err := limitOf(a, r.Channel)
	if err != nil {
		return err
	}
	r.note("lower %s of the topic", limit)
	if err := setLimit(a, r.Channel, "1000"); err != nil {
		return err
	}
	err = awaitLimit(ctx, a, r.Channel, "1000")
	return errors.Join(err, r.pause(ctx, 5*time.Second, 5*time.Second), setLimit(a, r.Channel, before))
}

const limit = "max.message.bytes"

func limitOf(a sarama.ClusterAdmin, topic string) (string, error) {
	entries, err := a.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{limit}})
	if err != nil {
		return "", err
	}
	if len(entries) != 1 {
		return "", fmt.Errorf("the brokers returned %d values for %s of the topic: want 1", len(entries), limit)
	}
	return entries[0].Value, nil
}

// limitTimeout is how long a setting may take from the controller to the broker that is asked.
const limitTimeout = 30 * time.Second

// awaitLimit waits until the brokers report the limit, so that the fault is one.
func awaitLimit(ctx context.Context, a sarama.ClusterAdmin, topic, want string) error {
	for end := time.Now().Add(limitTimeout); ; {
		got, err := limitOf(a, topic)
		switch {
		case err == nil && got == want:
			return nil
		case time.Now().After(end):
			return errors.Join(err, fmt.Errorf("%s of the topic is %s %s after it was set to %s", limit, got, limitTimeout, want))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func setLimit(a sarama.ClusterAdmin, topic, value string) error {
	return a.IncrementalAlterConfig(sarama.TopicResource, topic, map[string]sarama.IncrementalAlterConfigsEntry{
		limit: {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value},
	}, false)
}

// leaderMove makes another replica the preferred one, and has it elected.
func leaderMove(ctx context.Context, r *run) error {
	c, a, err := r.admin()
	if err != nil {
		return err
	}
	defer a.Close()
	replicas, err := c.Replicas(r.Channel, 0)
	if err != nil {
		return err
	}
	replicas = append(replicas[1:], replicas[0])
	r.note("move the leader to broker%d", replicas[0])
	if err := a.AlterPartitionReassignments(r.Channel, [][]int32{replicas}); err != nil {
		return err
	}
	results, err := a.ElectLeaders(sarama.PreferredElection, map[string][]int32{r.Channel: {0}})
	if err != nil {
		return err
	}
	if p := results[r.Channel][0]; p != nil && p.ErrorCode != sarama.ErrNoError && p.ErrorCode != sarama.ErrElectionNotNeeded {
		return p.ErrorCode
	}
	return r.leads(ctx, fmt.Sprintf("broker%d", replicas[0]))
}

// leads waits until a broker leads the topic, and returns an error if it never does.
func (r *run) leads(ctx context.Context, want string) (err error) {
	for range tries {
		var leader string
		if leader, err = r.leader(); err == nil && leader == want {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("%s leads the topic", leader)
		}
		if paused := r.pause(ctx, time.Second, time.Second); paused != nil {
			return paused
		}
	}
	return fmt.Errorf("%s did not become the leader of the topic: %w", want, err)
}
