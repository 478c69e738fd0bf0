package apache

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// Ready returns nil if a node serves as a member of its cluster. An open port is not
// enough: the controllers must have unfenced it.
func Ready(address string) error {
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Net.DialTimeout, config.Net.ReadTimeout, config.Net.WriteTimeout = time.Second, 2*time.Second, 2*time.Second
	config.Metadata.AllowAutoTopicCreation = false
	config.Metadata.Retry.Max = 0
	c, err := sarama.NewClient([]string{address}, config)
	if err != nil {
		return err
	}
	defer c.Close()
	if !slices.ContainsFunc(c.Brokers(), func(b *sarama.Broker) bool { return b.Addr() == address }) {
		return fmt.Errorf("broker %s is not a member of its cluster yet", address)
	}
	return nil
}

// Serving waits until a node is ready.
func Serving(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, serveTimeout)
	defer cancel()
	for {
		err := Ready(address)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("broker %s does not serve after %v: %w", address, serveTimeout, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Controller returns the active controller of the newest epoch that any node has recorded:
// the metadata that clients get names an arbitrary broker instead.
func (c *Cluster) Controller() (Node, error) {
	newest := struct{ LeaderID, LeaderEpoch int }{}
	for _, n := range c.Nodes {
		text, err := os.ReadFile(filepath.Join(c.folder(n), "data", "__cluster_metadata-0", "quorum-state"))
		if err != nil {
			return Node{}, err
		}
		state := newest
		if err := json.Unmarshal(text, &state); err != nil {
			return Node{}, fmt.Errorf("the quorum's state at node %d: %w", n.ID, err)
		}
		if state.LeaderEpoch > newest.LeaderEpoch {
			newest = state
		}
	}
	at := slices.IndexFunc(c.Nodes, func(n Node) bool { return n.ID == newest.LeaderID })
	if at < 0 {
		return Node{}, fmt.Errorf("no controller is elected in epoch %d", newest.LeaderEpoch)
	}
	return c.Nodes[at], nil
}
