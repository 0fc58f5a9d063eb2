"""Watch: one model, one row, N passes of sleep."""

from functools import partial

import streamlit as st

from app import about, controls, player, runs, text, theme, watch

mode = theme.page_mode(st.context.theme.type)
infos = runs.checkpoints(runs.checkpoint_folder())
default = runs.default_checkpoint("rule110", infos)
tape = watch.recorded(infos)

st.title(text.TITLE, anchor=False)
st.markdown(text.EXPLANATION)

recorded_spec = tape.trace.spec if isinstance(tape, watch.Shown) else None
choice = controls.rule110_controls(infos, controls.defaults_of(recorded_spec, default))
shown = watch.shown_run(choice, infos, tape)

if shown is not None:
    passes = int(shown.trace.spec["n_passes"])
    cards = watch.contenders(shown, passes)
    player.show(player.player_payload(shown.trace, contenders=cards, badge=shown.badge, terms=text.TERMS))
    st.caption(f"{text.NOTICE} {text.BASELINE_WARNING} {watch.training_note(shown)}")
    meta = next((info.meta for info in infos if info.name == shown.trace.checkpoint["name"]), {})
    with st.container(horizontal=True, key="actions"):
        about.provenance(meta, shown.trace)
        st.download_button(
            "Run as JSON",
            data=partial(watch.as_json, shown),
            file_name="sleepviz-run.json",
            mime="application/json",
            on_click="ignore",
            icon=":material/download:",
            key="download",
        )
    about.departures(meta)
    about.transcript(shown.trace)
    about.drift_curves(shown.trace, mode)

about.measured(runs.results("rule110"), choice.steps, choice.passes, mode)
about.explanations()
