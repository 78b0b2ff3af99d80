package sql_test

import (
	"fmt"

	"github.com/tidemark/tidemark/catalog/sql"
)

func Example() {
	q, errs := sql.Parse(`SELECT user_id, CAST("order".total AS DECIMAL(18,2)) AS revenue FROM orders WHERE status = 'PAID'`)
	fmt.Println(len(errs), q.From, q.Paths)

	e := q.NewEvaluator(sql.EvalOptions{})
	fields := []sql.Raw{ // parallel to q.Paths
		{Kind: sql.String, Text: []byte("PAID")},
		{Kind: sql.String, Text: []byte("u1")},
		{Kind: sql.Number, Text: []byte("12.345")},
	}
	row := make([]sql.Value, len(q.Columns))
	keep, err := e.Eval(fields, row)
	cents, _ := row[1].Fixed(2)
	fmt.Println(keep, err, string(row[0].AppendText(nil)), string(row[1].AppendText(nil)), cents)
	// Output:
	// 0 orders [status user_id "order".total]
	// true <nil> u1 12.35 1235
}

func ExampleParse_errors() {
	_, errs := sql.Parse("SELECT user_id, LOWR(platform) AS platform,\n       SUM(total) AS total\nFROM orders GROUP BY 1")
	for _, e := range errs {
		fmt.Printf("%d:%d %s: %s\n", e.Line, e.Col, e.Msg, e.Hint)
	}
	// Output:
	// 1:17 unknown function LOWR: did you mean "LOWER"?
	// 2:8 the aggregate SUM is not allowed in an event: use agg: SUM in the metric
	// 3:13 GROUP BY is not allowed in an event: use agg: in the metric
}
