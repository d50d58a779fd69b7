package initiate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// database is a kind of server that keeps data, and the check that shows that the data is back.
type database struct {
	name string
	// images are what the last part of an image's name is, or begins with before a "-". Ports tell where the image does not.
	images []string
	port   int32
	// command asks for a number; {…} is to be filled in.
	command []string
	// fill says what to fill in.
	fill string
}

// databases in the order in which they are looked for.
var databases = []database{
	{"PostgreSQL", []string{"postgres", "postgresql", "postgis", "timescaledb", "spilo", "pgvector"}, 5432,
		[]string{"sh", "-c", `psql -U "${POSTGRES_USER:-postgres}" -d "${POSTGRES_DB:-${POSTGRES_USER:-postgres}}" -tAc "SELECT count(*) FROM pg_stat_user_tables"`},
		"count the rows of a table that always has some: SELECT count(*) FROM orders"},
	{"MariaDB", []string{"mariadb", "mariadb-galera"}, 0,
		[]string{"sh", "-c", `mariadb -uroot -p"${MARIADB_ROOT_PASSWORD:-$MYSQL_ROOT_PASSWORD}" -N -B -e "SELECT count(*) FROM information_schema.tables WHERE table_schema NOT IN ('mysql','sys','information_schema','performance_schema')"`},
		"count the rows of a table that always has some"},
	{"MySQL", []string{"mysql", "mysql-server", "percona", "percona-server"}, 3306,
		[]string{"sh", "-c", `mysql -uroot -p"$MYSQL_ROOT_PASSWORD" -N -B -e "SELECT count(*) FROM information_schema.tables WHERE table_schema NOT IN ('mysql','sys','information_schema','performance_schema')"`},
		"count the rows of a table that always has some"},
	{"MongoDB", []string{"mongo", "mongodb", "mongodb-community-server", "percona-server-mongodb"}, 27017,
		[]string{"sh", "-c", `mongosh --quiet -u "$MONGO_INITDB_ROOT_USERNAME" -p "$MONGO_INITDB_ROOT_PASSWORD" --eval "db.adminCommand({listDatabases:1}).databases.filter(d=>!['admin','local','config'].includes(d.name)).length"`},
		"count the documents of a collection; leave out -u and -p if there is no password"},
	{"Redis", []string{"redis", "redis-stack-server", "valkey", "keydb"}, 6379,
		[]string{"sh", "-c", `REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli DBSIZE`},
		"how many keys there must be"},
	{"OpenSearch", []string{"opensearch"}, 0,
		[]string{"sh", "-c", `curl -sk -u "admin:$OPENSEARCH_INITIAL_ADMIN_PASSWORD" https://localhost:9200/_cat/count?h=count`},
		"how many documents there must be"},
	{"Elasticsearch", []string{"elasticsearch"}, 9200,
		[]string{"sh", "-c", `curl -sk -u "elastic:$ELASTIC_PASSWORD" http://localhost:9200/_cat/count?h=count`},
		"how many documents there must be; https where security is on"},
	{"Kafka", []string{"kafka", "cp-kafka"}, 9092,
		[]string{"sh", "-c", `PATH="$PATH:/opt/kafka/bin:/opt/bitnami/kafka/bin"; (kafka-topics.sh --bootstrap-server localhost:9092 --list || kafka-topics --bootstrap-server localhost:9092 --list) 2>/dev/null | grep -vc '^__'`},
		"how many topics there must be"},
	{"RabbitMQ", []string{"rabbitmq"}, 5672,
		[]string{"sh", "-c", `rabbitmqctl -q list_queues name --no-table-headers | grep -c .`},
		"how many queues there must be"},
}

// databaseOf returns what a container is by its image, else by its port; nil if it is none that is known.
func databaseOf(c *corev1.Container) *database {
	image, _, _ := strings.Cut(c.Image, "@")
	image = image[strings.LastIndex(image, "/")+1:]
	image, _, _ = strings.Cut(image, ":")
	for i := range databases {
		if slices.Contains(databases[i].images, image) {
			return &databases[i]
		}
	}
	for _, sidecar := range []string{"exporter", "operator", "proxy", "client", "ui", "admin", "pgbouncer", "backup"} {
		if strings.Contains(image, sidecar) {
			return nil // it belongs to a database, and is none
		}
	}
	for i := range databases {
		for _, p := range c.Ports {
			if databases[i].port != 0 && p.ContainerPort == databases[i].port {
				return &databases[i]
			}
		}
	}
	return nil
}
