package main

// dashboard is what differs from one to the next; model adds what Grafana wants beside that.
type dashboard struct {
	file, uid, title string
	from             string
	perTest          bool // has the variables namespace and test
	panels           []panel
}

type panel struct {
	kind, title, description string
	width, height            int
	unit                     string
	// steps are thresholds: the colour from a value on, the first from the beginning.
	steps   []step
	stacked bool
	queries []query
}

type step struct {
	from  float64
	color string
}

type query struct{ expr, legend string }

type object = map[string]any

const source = "${datasource}"

func (d dashboard) model() object {
	variables := []object{{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source", "hide": 0}}
	if d.perTest {
		variables = append(variables,
			variable("namespace", "label_values(kymaros_test_created_timestamp_seconds, namespace)"),
			variable("test", `label_values(kymaros_test_created_timestamp_seconds{namespace="$namespace"}, test)`))
	}
	var panels []object
	x, y, row := 0, 0, 0
	for i, p := range d.panels {
		if x+p.width > 24 {
			x, y, row = 0, y+row, 0
		}
		panels = append(panels, p.model(i+1, object{"x": x, "y": y, "w": p.width, "h": p.height}))
		x, row = x+p.width, max(row, p.height)
	}
	return object{
		"uid": d.uid, "title": d.title, "tags": []string{"kymaros"}, "schemaVersion": 39, "version": 1, "editable": true, "graphTooltip": 1,
		"time": object{"from": d.from, "to": "now"}, "refresh": "1m", "timezone": "browser",
		"templating": object{"list": variables}, "panels": panels,
		"links": []object{{"title": "Kymaros", "type": "dashboards", "tags": []string{"kymaros"}, "asDropdown": true, "keepTime": true}},
	}
}

func variable(name, query string) object {
	return object{"name": name, "type": "query", "datasource": object{"type": "prometheus", "uid": source}, "query": query, "definition": query, "refresh": 2, "sort": 1}
}

func (p panel) model(id int, place object) object {
	var targets []object
	instant := p.kind == "stat" || p.kind == "bargauge"
	for i, q := range p.queries {
		targets = append(targets, object{
			"refId": string(rune('A' + i)), "expr": q.expr, "legendFormat": q.legend, "instant": instant, "range": !instant,
			"datasource": object{"type": "prometheus", "uid": source},
		})
	}
	var steps []object
	for i, s := range p.steps {
		if i == 0 {
			steps = append(steps, object{"value": nil, "color": s.color})
			continue
		}
		steps = append(steps, object{"value": s.from, "color": s.color})
	}
	defaults := object{"unit": p.unit}
	if len(steps) > 0 {
		defaults["thresholds"] = object{"mode": "absolute", "steps": steps}
		defaults["color"] = object{"mode": "thresholds"}
	}
	options := object{}
	switch p.kind {
	case "stat":
		options = object{"reduceOptions": object{"calcs": []string{"lastNotNull"}}, "colorMode": "background", "graphMode": "none"}
	case "bargauge":
		options = object{"reduceOptions": object{"calcs": []string{"lastNotNull"}}, "orientation": "horizontal", "displayMode": "basic"}
	case "state-timeline":
		options = object{"mergeValues": true, "showValue": "never", "rowHeight": 0.8}
	case "timeseries":
		custom := object{"fillOpacity": 10, "showPoints": "never", "spanNulls": true}
		if p.stacked {
			custom["stacking"], custom["fillOpacity"] = object{"mode": "normal"}, 60
		}
		if len(steps) > 0 {
			custom["thresholdsStyle"] = object{"mode": "line"}
			defaults["color"] = object{"mode": "palette-classic"}
		}
		defaults["custom"] = custom
		options = object{"legend": object{"displayMode": "list", "placement": "bottom"}, "tooltip": object{"mode": "multi", "sort": "desc"}}
	}
	return object{
		"id": id, "type": p.kind, "title": p.title, "description": p.description, "gridPos": place, "targets": targets, "options": options,
		"datasource":  object{"type": "prometheus", "uid": source},
		"fieldConfig": object{"defaults": defaults, "overrides": []object{}},
	}
}
