package coco

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIDsThatAreNoIntegersOf64Bits(t *testing.T) {
	text := `{"images":[{"id":10},{"id":17293822569102704641},{"id":"10"},{"id":null},{"id":1.5},{"id":9.0},{"id":-9223372036854775809}],
	 "categories":[{"id":"b"},{"id":2}],
	 "annotations":[{"id":0,"image_id":"10","category_id":2},{"id":17293822569102704641,"image_id":10.0,"category_id":"b"},{"id":"x","image_id":17293822569102704641,"category_id":null}]}`
	d, err := ParseDataset([]byte(text), "f", AllFields)
	require.NoError(t, err)
	n := func(s string) Name { return Name{NumberName, s} }
	require.Equal(t, []Name{n("-9223372036854775809"), n("1.5"), n("9"), n("10"), n("17293822569102704641"), {StringName, "10"}, {NullName, "null"}}, d.ImageNames)
	require.Equal(t, []int64{5, 3, 4}, d.ImageID)
	require.Equal(t, []Name{n("2"), {StringName, "b"}, {NullName, "null"}}, d.CategoryNames)
	require.Equal(t, []int64{0, 1, 2}, d.CategoryID)
	require.Equal(t, []int64{0, 1, 2}, d.ID, "the number 0 stays 0")
	require.Equal(t, []string{"0", "17293822569102704641", `"x"`}, []string{d.IDName(0), d.IDName(1), d.IDName(2)})
	require.Equal(t, "17293822569102704641", d.ImageName(4))
}

func TestLargeIDsAreWrittenAsTheyWereRead(t *testing.T) {
	r, err := ParseResults([]byte(`[{"image_id":17293822569102704641,"category_id":"c","score":1},{"image_id":5,"category_id":"d","score":1}]`), "f", AllFields)
	require.NoError(t, err)
	e := r.Entry(0)
	b, err := appendEntry(nil, &e, false)
	require.NoError(t, err)
	require.Equal(t, `{"image_id":17293822569102704641,"category_id":"c","score":1}`, string(b))
	e = r.Entry(1)
	b, err = appendEntry(nil, &e, false)
	require.NoError(t, err)
	require.Equal(t, `{"image_id":5,"category_id":"d","score":1}`, string(b))
}

func TestSizesThatAreNone(t *testing.T) {
	d, err := ParseDataset([]byte(`{"images":[{"id":1,"width":-1,"height":"7"},{"id":2,"width":120.5,"height":NaN},{"id":3,"width":null,"height":50000},{"id":4,"width":[1],"height":1e400}]}`), "f", AllFields)
	require.NoError(t, err)
	require.Equal(t, []Image{{ID: 1, BadSize: true}, {ID: 2, Width: 120, BadSize: true}, {ID: 3, Height: 50000}, {ID: 4, BadSize: true}}, d.Images)
}
