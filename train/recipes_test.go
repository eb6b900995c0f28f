package train

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryRecipeIsValidAndSurvivesJSON(t *testing.T) {
	for _, name := range RecipeNames() {
		r, err := ByName(name, 30)
		require.NoError(t, err)
		require.NoError(t, r.Validate(), name)
		require.NotEmpty(t, r.Source, name)
		data, err := json.Marshal(r)
		require.NoError(t, err)
		back, err := ParseRecipe(data)
		require.NoError(t, err)
		require.Equal(t, r, back)
	}
	_, err := ByName("spinenet-50-mrcnn-b", 1)
	require.ErrorContains(t, err, `no recipe "spinenet-50-mrcnn-b"; there are fine-tune, `)
}

func TestRecipesOfTheBuiltInModelAreValid(t *testing.T) {
	files, err := filepath.Glob("../models/nuclei/recipes/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		_, err = ParseRecipe(data)
		require.NoError(t, err, file)
	}
}

// The learning rates of the Garden's configurations, as its fixture's schedules have
// them: 0.32 to step 148,160, then a tenth, then a hundredth; a warm-up of 2000 steps.
func TestRatesOfTheGarden(t *testing.T) {
	for name, drops := range map[string][2]int{"spinenet-49-mrcnn-b": {148160, 157420}, "spinenet-49-retinanet-c": {219450, 226380}} {
		r, err := ByName(name, 0)
		require.NoError(t, err)
		s := r.Schedule()
		require.InDelta(t, 0.0067, s(0), 1e-9)
		require.InDelta(t, (0.0067+0.32)/2, s(1000), 1e-9)
		require.InDelta(t, 0.32, s(drops[0]), 1e-9)
		require.InDelta(t, 0.032, s(drops[0]+1), 1e-9)
		require.InDelta(t, 0.0032, s(drops[1]+1), 1e-9)
	}
}

func TestNonsenseInRecipesIsNamed(t *testing.T) {
	r := FineTune(30)
	r.Batch, r.Rate.Value, r.Augment.Scale = 0, -1, [2]float64{2, 1}
	r.Balance, r.Augment.Window, r.Augment.Color = 2, &Window{Side: 128, Diameter: [2]float64{40, 20}, Enlarge: 4, Whole: 2}, &Color{Tint: -1, Blur: 30}
	r.Augment.Turns, r.Augment.Flip = true, 0.25
	r.Regions.IoU = 1
	r.AdamW, r.Momentum = &AdamW{Beta1: 1}, 0.9
	r.Rate.Drops, r.Rate.Cosine, r.Regions.PostNMS = []float64{0.9, 0.5}, true, 2e9
	err := r.Validate()
	require.ErrorContains(t, err, "train: recipe: batch: 0, want 1 to 1024\n")
	require.ErrorContains(t, err, "learning_rate.value: -1")
	require.ErrorContains(t, err, "learning_rate.drops: 0.5 behind 0.9, want them rising")
	require.ErrorContains(t, err, "learning_rate: drops beside cosine")
	require.ErrorContains(t, err, "want at most 100000 of 1000000")
	require.ErrorContains(t, err, "augment.scale: 2 to 1, want rising factors above 0 to 10")
	require.ErrorContains(t, err, "balance: 2, want 0 to 1")
	require.ErrorContains(t, err, "augment.window: {Side:128 Diameter:[40 20] Enlarge:4 Whole:2}")
	require.ErrorContains(t, err, "augment.color.tint: -1, want 0 to 1")
	require.ErrorContains(t, err, "augment.color.blur: 30, want 0 to 20")
	require.ErrorContains(t, err, "augment.turns with a flip of 0.25, want 0.5")
	require.ErrorContains(t, err, "adamw: {Beta1:1 Beta2:0 Epsilon:0}, want decays of 0 to less than 1")
	require.ErrorContains(t, err, "adamw beside momentum")
	require.ErrorContains(t, err, "regions.iou: 1, want 0 to less than 1")
	_, err = ParseRecipe([]byte(`{"batch": 2, "batsh": 3}`))
	require.ErrorContains(t, err, `unknown field "batsh"`)
}

// What a state file leaves out is equal to what it gives back, and nothing stands behind a recipe.
func TestRecipesWithEmptyLists(t *testing.T) {
	r, err := ParseRecipe([]byte(emptied(t)))
	require.NoError(t, err)
	data, err := json.Marshal(r)
	require.NoError(t, err)
	back, err := ParseRecipe(data)
	require.NoError(t, err)
	require.Equal(t, r, back)
	_, err = ParseRecipe(append(data, "{}"...))
	require.ErrorContains(t, err, "there is more behind it")
}

// emptied is a recipe with an empty list of drops.
func emptied(t *testing.T) string {
	data, err := json.Marshal(FineTune(30))
	require.NoError(t, err)
	const rate = `"learning_rate":{`
	require.Contains(t, string(data), rate)
	return strings.Replace(string(data), rate, rate+`"drops":[],`, 1)
}
