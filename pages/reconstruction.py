"""Reconstruction: what could an attacker see, measured under the proof?"""

from dataclasses import replace

import streamlit as st

from dpcore.errors import ResultsUnavailable
from ui import blocks, drag_blocks, navigation, recon_blocks, recon_controls, recon_moving, recon_pictures
from ui.show import show

navigation.guard()


# A fragment: a moved slider runs only this, not the navigation around it.
@st.fragment
def story() -> None:
    """Question, controls, answer, attackers, pictures, errors, sizes, settings, the paper's claim, sources."""
    try:
        recon = recon_controls.recon_bar()
    except ResultsUnavailable as error:
        blocks.results_missing(error)
        return

    show(
        recon_moving.answer_html(recon),
        blocks.section_html("Who attacks?"),
        recon_moving.attackers_html(recon) + recon_blocks.how_it_works_html(),
        blocks.section_html("What comes back?"),
    )
    recon_controls.picture_controls(recon.view, recon.finding)
    show(recon_pictures.shown_html(recon), blocks.section_html("How close is close enough?"))
    recon_blocks.errors(recon)
    recon_blocks.appearance(recon, blocks.section_html("At which budget do pictures appear?"))
    recon_blocks.changes(recon, blocks.section_html("What helps the attacker, what helps the patient?"))

    show(blocks.section_html("Where does the paper’s “0 %” hold?"), recon_blocks.where_it_holds_html(recon))

    recon_blocks.sources(recon)
    drag_blocks.follow_slider(
        recon.finding,
        lambda finding: recon_moving.moving(replace(recon, finding=finding)),
        page="reconstruction",
        view=recon.view_name,
    )


blocks.page_header("What could an attacker see?")
recon_blocks.style()
story()
