// Package admintest is what tests of the operator's tool share: the rights that each
// command needs, and channels with a topic on a cluster and orderers that deliver blocks.
package admintest

import (
	"fmt"
	"strings"

	"github.com/IBM/sarama"
)

// Right is something that Kafka lets a principal do with topics or groups.
type Right struct {
	With sarama.AclResourceType
	Op   sarama.AclOperation
}

// Rights on topics and groups.
var (
	describeTopic   = Right{sarama.AclResourceTopic, sarama.AclOperationDescribe}
	describeConfigs = Right{sarama.AclResourceTopic, sarama.AclOperationDescribeConfigs}
	readTopic       = Right{sarama.AclResourceTopic, sarama.AclOperationRead}
	writeTopic      = Right{sarama.AclResourceTopic, sarama.AclOperationWrite}
	deleteTopic     = Right{sarama.AclResourceTopic, sarama.AclOperationDelete}
	describeGroup   = Right{sarama.AclResourceGroup, sarama.AclOperationDescribe}
)

// Groups is the prefix of the orderers' consumer groups.
const Groups = "fabric-orderer."

// Rights returns what each command needs, and nothing that it does not.
func Rights() map[string][]Right {
	return map[string][]Right{
		"preflight":     {readTopic, writeTopic, describeConfigs},
		"progress":      {describeTopic, describeGroup},
		"topic":         {readTopic},
		"prune":         {deleteTopic, describeGroup},
		"upgrade-rules": {readTopic, writeTopic},
		"repin":         {readTopic},
		"verify":        nil,
		"change-type":   nil,
		"leave":         nil,
		"genesis":       nil,

		"translate": nil, "remove-system-channel": nil, // these ask nobody
	}
}

// Row returns the line of the table in SECURITY.md for a command.
func Row(command string) string {
	list := func(with sarama.AclResourceType) string {
		var names []string
		for _, r := range Rights()[command] {
			if r.With == with {
				names = append(names, r.Op.String())
			}
		}
		if len(names) == 0 {
			return "-"
		}
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("| `%s` | %s | %s |", command, list(sarama.AclResourceTopic), list(sarama.AclResourceGroup))
}
