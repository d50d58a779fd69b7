package notify

import (
	"encoding/json"
	"maps"
	"os"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func schema(t *testing.T) *openapi3.Schema {
	t.Helper()
	file, err := os.ReadFile("schema/v1.json")
	if err != nil {
		t.Fatal(err)
	}
	s := &openapi3.Schema{}
	if err := json.Unmarshal(file, s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMessagesFollowTheSchema(t *testing.T) {
	s := schema(t)
	full := message()
	least := Message{ID: "a", Event: NotVerified, Test: Test{"team-pay", "billing"}, Message: "None has passed for 49h0m0s."}
	for what, m := range map[string]Message{"full": full, "least": least} {
		_, body := mustBuild(t, channel(Webhook, "https://example.org"), m)
		if err := s.VisitJSON(body); err != nil {
			t.Errorf("the %s one: %v", what, err)
		}
	}
	_, body := mustBuild(t, channel(Webhook, "https://example.org"), full)
	for _, broken := range []map[string]any{{"score": 101.0}, {"version": "v2"}, {"result": "ok"}, {"event": nil}, {"report": map[string]any{}}, {"previousScore": "98"}, {"test": nil}} {
		changed := maps.Clone(body)
		maps.Copy(changed, broken)
		if s.VisitJSON(changed) == nil {
			t.Errorf("the schema takes %v", broken)
		}
	}
	describe(t, "message", s, body)
	example := s.Properties["event"].Value.Examples
	if len(example) != len(Events()) {
		t.Errorf("the schema knows of the events %v, and there are %v", example, Events())
	}
}

// describe wants every field that is sent in the schema, with a description, and no other there.
func describe(t *testing.T, where string, s *openapi3.Schema, value map[string]any) {
	t.Helper()
	for name := range s.Properties {
		if _, ok := value[name]; !ok {
			t.Errorf("%s: the schema has %s, which is not sent", where, name)
		}
	}
	for name, v := range value {
		p := s.Properties[name]
		if p == nil || p.Value.Description == "" {
			t.Errorf("%s: the schema does not describe %s", where, name)
			continue
		}
		if object, ok := v.(map[string]any); ok {
			describe(t, where+"."+name, p.Value, object)
		}
	}
}
