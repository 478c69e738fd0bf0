package load

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/fabricnet"
)

// Use sets who sends, and to which running orderers of a network: to all, or to the one of that name. All are
// followed.
func (c *Config) Use(n *fabricnet.Network, orderer string) error {
	d := n.Descriptor()
	user := d.Users[0]
	who, err := client.LoadIdentity(user.MSPID, filepath.Join(n.Dir(), user.Cert), filepath.Join(n.Dir(), user.Key))
	if err != nil {
		return err
	}
	c.Who = who
	for _, o := range d.Orderers {
		if o.PID == 0 {
			continue
		}
		t := Target{Name: o.Name, Address: o.Address, CA: filepath.Join(n.Dir(), o.TLSCA), PID: o.PID}
		c.Follow = append(c.Follow, t)
		if orderer == "" || orderer == o.Name {
			c.Targets = append(c.Targets, t)
		}
	}
	if len(c.Targets) == 0 {
		return fmt.Errorf("no orderer named %q is running; go run ./network status shows which are", orderer)
	}
	return nil
}

// RecordsOf returns records for a channel of a running network, under the config in force.
func RecordsOf(ctx context.Context, n *fabricnet.Network, channel string, size int, by Writer) (*Records, error) {
	var c Config
	if err := c.Use(n, ""); err != nil {
		return nil, err
	}
	r, err := fabricnet.NewReader(n.Dir(), n.Descriptor())
	if err != nil {
		return nil, err
	}
	block, err := r.ConfigBlock(ctx, c.Targets[0].Name, channel)
	if err != nil {
		return nil, err
	}
	config, err := client.ConfigOf(block)
	if err != nil {
		return nil, err
	}
	return NewRecords(c.Who, channel, size, config.Sequence, by)
}
