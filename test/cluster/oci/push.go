package oci

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
)

// PushManifest makes the registry at base (http://HOST:PORT) offer image under its repository and tag,
// whatever its host. The registry must have the blobs already.
func PushManifest(ctx context.Context, client *http.Client, base string, image Image) error {
	url := fmt.Sprintf("%s/v2/%s/manifests/%s", base, image.Ref.Repository, image.Ref.Tag)
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(image.Manifest))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", manifestType)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("PUT %s: %s: %s", url, resp.Status, body)
	}
	return nil
}
