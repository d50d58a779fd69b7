package clustertest

// Person is who the API server says that a token is of.
type Person struct {
	Name   string
	Groups []string
	// Audiences are those of the token; none: it is for the API server.
	Audiences []string
	// Unaware: whoever looked at the token knows of no audiences.
	Unaware bool
}

// Rule allows verbs on resources in a namespace; empty: in all.
type Rule struct {
	Namespace string
	Resources []string
	Verbs     []string
}

// Tokens, by who has them. The API server knows all but the last two.
var (
	OfTeam      = JWT(`{"sub":"anna"}`)
	OfScripts   = JWT(`{"aud":["kymaros-api"],"sub":"script"}`)
	OfTester    = JWT(`{"aud":"https://kubernetes.default.svc","sub":"tess"}`)
	OfAuditor   = "opaque-token-of-an-auditor"
	OfAdmin     = JWT(`{"sub":"root"}`)
	OfNobody    = JWT(`{"sub":"nobody"}`)
	OfElsewhere = JWT(`{"aud":["kymaros-api","vault"],"sub":"eve"}`)
	OfUnaware   = JWT(`{"aud":"kymaros-api","sub":"mallory"}`)
	Forged      = JWT(`{"aud":"kymaros-api","sub":"system:admin"}`)
	Expired     = JWT(`{"aud":"kymaros-api","sub":"anna","exp":1}`)
)

var people = map[string]Person{
	OfTeam:    {Name: "anna", Groups: []string{"team-a"}},
	OfScripts: {Name: "script", Audiences: []string{"kymaros-api"}},
	OfTester:  {Name: "tess"},
	OfAuditor: {Name: "audrey", Groups: []string{"auditors"}},
	OfAdmin:   {Name: "root", Groups: []string{"system:masters"}},
	OfNobody:  {Name: "nobody"},
	// The API server says that it is good, for somebody else.
	OfElsewhere: {Name: "eve", Audiences: []string{"vault"}},
	OfUnaware:   {Name: "mallory", Unaware: true},
}

var (
	tests = []string{"restoretests"}
	kinds = []string{"restoretests", "restorereports", "healthcheckpolicies"}
	reads = []string{"get", "list"}
)

// Rules are what people may do, by user name.
var Rules = map[string][]Rule{
	"anna":    {{"team-a", kinds, reads}},
	"script":  {{"team-a", kinds, reads}},
	"tess":    {{"team-a", tests, reads}},
	"audrey":  {{"", kinds, reads}},
	"root":    {{"", []string{"*"}, []string{"*"}}},
	"eve":     {{"", kinds, reads}},
	"mallory": {{"", kinds, reads}},
}
