package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/config"
)

func TestClassesMeetCategories(t *testing.T) {
	named := []config.Category{{ID: 1, Name: "person"}, {ID: 2, Name: "Traffic Light"}, {ID: 3, Name: "zebra"}}
	numbered := []config.Category{{ID: 1, Name: "class 1"}, {ID: 2, Name: ""}}
	for _, c := range []struct {
		name       string
		classes    []config.Category
		categories string
		mapping    map[int64]int64 // nil: ids are the same
		said, err  string
	}{
		{"by name, whatever the ids", named, `{"id":3,"name":"person"},{"id":1,"name":"traffic light "},{"id":2,"name":"cat"}`, map[int64]int64{1: 3, 2: 1},
			"spinemask: class of the model  category of the data set\nspinemask: 1 person            3 person\nspinemask: 2 Traffic Light     1 traffic light\nspinemask: 3 zebra             - (not evaluated)\nspinemask: - (never found)     2 cat\n", ""},
		{"the same", named[:2], `{"id":1,"name":"person"},{"id":2,"name":"traffic light"}`, nil, "", ""},
		{"an exact name before one in another case", named[:1], `{"id":7,"name":"Person"},{"id":8,"name":"person"}`, map[int64]int64{1: 8}, "1 person", ""},
		{"the same numbers, other names", named[:1], `{"id":1,"name":"car"}`, nil, "", "no class of the model is a category of gt.json: the model has person (1); the data set has car (1)"},
		{"two of one name", named[:1], `{"id":1,"name":"PERSON"},{"id":2,"name":"Person"}`, nil, "", `gt.json: categories 1 and 2 have the same name "person"`},
		{"a model without names", numbered, `{"id":2,"name":"car"},{"id":5,"name":"bus"}`, map[int64]int64{2: 2}, "meet by their numbers: the model has no names for its classes", ""},
		{"a data set without names", named[:1], `{"id":1}`, nil, "meet by their numbers: gt.json has no names for its categories", ""},
		{"numbers of which none meets", numbered, `{"id":9,"name":"car"}`, nil, "", "no class of the model is a category"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := coco.ParseDataset([]byte(`{"images":[],"annotations":[],"categories":[`+c.categories+`]}`), "gt.json", coco.Boxes)
			require.NoError(t, err)
			p, err := pair(c.classes, d)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.mapping, p.mapping())
			var b bytes.Buffer
			p.say(&talk{w: &b})
			if c.said == "" {
				require.Empty(t, b.String())
			}
			require.Contains(t, b.String(), c.said)
		})
	}
}

func TestDataSetsWithoutCategoriesMeetByNumber(t *testing.T) {
	d, err := coco.ParseDataset([]byte(`{"images":[],"annotations":[]}`), "gt.json", coco.Boxes)
	require.NoError(t, err)
	p, err := pair([]config.Category{{ID: 1, Name: "a"}}, d)
	require.NoError(t, err)
	require.Nil(t, p.mapping())
}
