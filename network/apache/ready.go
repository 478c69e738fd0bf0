package apache

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// Ready asks a node whether it serves as a member of its cluster: an open port
// is not enough, it must have been let in by the controllers.
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
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := Ready(address)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("broker %s does not serve after %v: %w", address, patience, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
