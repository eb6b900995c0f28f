package trainreport

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/core/page"
)

func TestReportEscapesNames(t *testing.T) {
	var b bytes.Buffer
	r := Report{
		Name: "a<b", Facts: []page.Fact{{Name: "images", Value: "12"}}, Classes: []page.Fact{{Name: "R&D", Value: "0.5"}},
		Charts: []page.Chart{{Title: "Loss", Lines: []page.Line{{Name: "<mask>", X: []float64{1, 2}, Y: []float64{3, 4}}}}},
		Pairs:  []Pair{{Name: "<p>", Truth: page.JPEG([]byte{1, 2, 3}), Found: page.JPEG(nil)}},
		Recipe: `{"name": "x"}`,
	}
	require.NoError(t, r.Write(&b))
	text := b.String()
	for _, want := range []string{"a&lt;b", "R&amp;D", "&lt;mask&gt;", "&lt;p&gt;", `src="data:image/jpeg;base64,AQID"`, "<polyline", "--accent"} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "http")
	require.NotContains(t, text, "ZgotmplZ") // what the template refuses to write
}
