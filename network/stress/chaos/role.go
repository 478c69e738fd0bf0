package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/network/stress/history"
)

// A fault for the leader of the topic must not hit a broker that has just lost that
// role. So the process is first suspended, then the others are asked which one has the
// role, and only if it is the suspended one, it is killed: a suspended process cannot
// hand over its role.

// freezer suspends and resumes processes, as a network does.
type freezer interface {
	Pause(name string) error
	Continue(name string) error
}

// roleSearch finds the process of a role.
type roleSearch struct {
	role  history.Role
	pick  func() (target string, err error)              // the process that should have the role
	asked func(frozen string) (holder string, err error) // the process that has it, as the others report
	fits  func(target, holder string) bool
	pause func(ctx context.Context) error // between two tries
}

// tries is how often a role may move while its process is searched.
const tries = 10

// freeze returns a suspended process that has the role. Every other process that it
// suspended is resumed.
func (c roleSearch) freeze(ctx context.Context, net freezer) (target, holder string, err error) {
	for range tries {
		target, holder, err = c.try(net)
		if err == nil || ctx.Err() != nil {
			return target, holder, err
		}
		if err := c.pause(ctx); err != nil {
			return "", "", err
		}
	}
	return "", "", fmt.Errorf("no %s was found in %d tries, the last: %w", c.role, tries, err)
}

func (c roleSearch) try(net freezer) (target, holder string, err error) {
	if target, err = c.pick(); err != nil {
		return "", "", err
	}
	if err := net.Pause(target); err != nil {
		return "", "", err
	}
	holder, err = c.asked(target)
	if err == nil && !c.fits(target, holder) {
		err = fmt.Errorf("%s was chosen, and %s is the leader or controller", target, holder)
	}
	if err != nil {
		return "", "", errors.Join(err, net.Continue(target))
	}
	return target, holder, nil
}

func same(target, holder string) bool  { return target == holder }
func other(target, holder string) bool { return target != holder }

// killAs kills a process for its role, and starts it again after a while.
func (r *run) killAs(ctx context.Context, c roleSearch) error {
	c.pause = func(ctx context.Context) error { return r.pause(ctx, 500*time.Millisecond, 500*time.Millisecond) }
	target, holder, err := c.freeze(ctx, r.Network)
	if err != nil {
		return err
	}
	r.noteEvent(history.Event{Text: "kill " + target + ", " + roleText(c.role) + r.otherRoles(c.role, target), Role: c.role, Target: target, Holder: holder})
	return r.kill(ctx, target)
}

func roleText(role history.Role) string {
	if role == history.Follower {
		return "a follower"
	}
	return "the " + string(role)
}

// otherRoles describes what else the wait after a kill depends on. The killed process may have
// another role, too, whose successor is elected later; and if no other replica is in sync,
// nothing is acknowledged until one is back.
func (r *run) otherRoles(role history.Role, target string) string {
	controller, err := r.Network.Controller()
	p, asked := r.partition(target)
	if errors.Join(err, asked) != nil {
		return ", other roles not known"
	}
	return otherRoles(role, target, controller, p)
}

func otherRoles(role history.Role, target, controller string, p partition) (text string) {
	if role != history.Controller && target == controller {
		text += " and the controller"
	}
	if role != history.Leader && target == p.leader {
		text += " and the leader"
	}
	if len(without(p.inSync, target)) < len(without(p.replicas, target)) {
		text += ", while another replica was out of sync"
	}
	return text
}

// partition is the state of the topic's partition as a broker reports it, by broker names.
type partition struct {
	leader           string
	replicas, inSync []string
}

// partition asks the first broker that is not suspended.
func (r *run) partition(frozen string) (partition, error) {
	names, addresses := r.Network.BrokerNames(), r.Network.Descriptor().Brokers
	at := slices.IndexFunc(names, func(n string) bool { return n != frozen })
	if at < 0 {
		return partition{leader: names[0], replicas: names, inSync: names}, nil
	}
	answer, p, err := describe(addresses[at], r.Channel)
	if err != nil {
		return partition{}, err
	}
	name := func(id int32) string {
		i := slices.IndexFunc(answer.Brokers, func(b *sarama.Broker) bool { return b.ID() == id })
		if i < 0 {
			return fmt.Sprintf("broker %d, which is down", id)
		}
		if at := slices.Index(addresses, answer.Brokers[i].Addr()); at >= 0 {
			return names[at]
		}
		return answer.Brokers[i].Addr()
	}
	out := partition{leader: name(p.Leader)}
	for _, id := range p.Replicas {
		out.replicas = append(out.replicas, name(id))
	}
	for _, id := range p.Isr {
		out.inSync = append(out.inSync, name(id))
	}
	return out, nil
}

func leaderKill(ctx context.Context, r *run) error {
	return r.killAs(ctx, roleSearch{role: history.Leader, pick: r.leader, asked: r.leaderBut, fits: same})
}

func followerKill(ctx context.Context, r *run) error {
	return r.killAs(ctx, roleSearch{role: history.Follower, pick: r.follower, asked: r.leaderBut, fits: other})
}

func controllerKill(ctx context.Context, r *run) error {
	return r.killAs(ctx, roleSearch{role: history.Controller, pick: r.Network.Controller, asked: func(string) (string, error) { return r.Network.Controller() }, fits: same})
}

func (r *run) follower() (string, error) {
	leader, err := r.leader()
	if err != nil {
		return "", err
	}
	followers := without(r.Network.BrokerNames(), leader)
	return followers[r.rng.IntN(len(followers))], nil
}

func without(names []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })
}

// leader returns the broker that leads the topic, as all brokers report.
func (r *run) leader() (string, error) { return r.leaderBut("") }

// leaderBut returns the broker that leads the topic, as all brokers except the suspended
// one report. A single broker is the leader.
func (r *run) leaderBut(frozen string) (leader string, err error) {
	names, addresses := r.Network.BrokerNames(), r.Network.Descriptor().Brokers
	if len(names) == 1 {
		return names[0], nil
	}
	for i, address := range addresses {
		if names[i] == frozen {
			continue
		}
		says, err := leaderBy(address, r.Channel)
		if err != nil {
			return "", err
		}
		at := slices.Index(addresses, says)
		switch {
		case at < 0:
			return "", fmt.Errorf("%s reports %s as the leader, which is not one of the network's brokers", names[i], says)
		case leader != "" && names[at] != leader:
			return "", fmt.Errorf("%s reports %s as the leader of the topic, another broker %s", names[i], names[at], leader)
		}
		leader = names[at]
	}
	if leader == "" {
		return "", errors.New("there is no other broker to ask for the leader of the topic")
	}
	return leader, nil
}

// leaderBy returns the address of a topic's leader as one broker reports it.
func leaderBy(address, topic string) (leader string, err error) {
	answer, p, err := describe(address, topic)
	if err != nil {
		return "", err
	}
	for _, known := range answer.Brokers {
		if known.ID() == p.Leader {
			return known.Addr(), nil
		}
	}
	return "", fmt.Errorf("%s knows no leader of topic %q", address, topic)
}

// describe asks one broker for a topic's partition.
func describe(address, topic string) (answer *sarama.MetadataResponse, p *sarama.PartitionMetadata, err error) {
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Net.DialTimeout, config.Net.ReadTimeout, config.Net.WriteTimeout = 2*time.Second, 2*time.Second, 2*time.Second
	b := sarama.NewBroker(address)
	if err := b.Open(config); err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	answer, err = b.GetMetadata(sarama.NewMetadataRequest(config.Version, []string{topic}))
	if err != nil {
		return nil, nil, fmt.Errorf("ask %s: %w", address, err)
	}
	for _, t := range answer.Topics {
		for _, p := range t.Partitions {
			if p.ID == 0 && (p.Err == sarama.ErrNoError || p.Err == sarama.ErrReplicaNotAvailable) {
				return answer, p, nil
			}
		}
	}
	return nil, nil, fmt.Errorf("%s knows no leader of topic %q", address, topic)
}
