package plane

import (
	"context"
	"encoding/base64"
	"fmt"
)

// Stored returns what etcd holds under a key, past the API server; nil if there is nothing.
func (c *Cluster) Stored(ctx context.Context, key string) ([]byte, error) {
	var found struct {
		KVs []struct{ Value []byte }
	}
	err := c.askEtcd(ctx, "/v3/kv/range", fmt.Sprintf(`{"key":%q}`, base64.StdEncoding.EncodeToString([]byte(key))), &found)
	if err != nil || len(found.KVs) == 0 {
		return nil, err
	}
	return found.KVs[0].Value, nil
}

// Store writes past the API server, as who restores a snapshot of etcd does; nil deletes.
func (c *Cluster) Store(ctx context.Context, key string, value []byte) error {
	var done struct{}
	encoded := base64.StdEncoding.EncodeToString([]byte(key))
	if value == nil {
		return c.askEtcd(ctx, "/v3/kv/deleterange", fmt.Sprintf(`{"key":%q}`, encoded), &done)
	}
	return c.askEtcd(ctx, "/v3/kv/put", fmt.Sprintf(`{"key":%q,"value":%q}`, encoded, base64.StdEncoding.EncodeToString(value)), &done)
}
