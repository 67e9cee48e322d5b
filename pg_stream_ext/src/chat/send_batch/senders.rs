//! The senders of a batch in one session, each read when its first message comes, with that message's claims in force.

use pgrx::datum::Uuid;

use crate::batch::{ClaimsInForce, ItemClaims};
use crate::chat::send_batch::item::Draft;
use crate::chat::sender::{Rules, Sender};
use crate::chat::viewer_row::ViewerRow;
use crate::postgres::caller::Admitted;
use crate::postgres::error::{Failure, Result};

pub struct Senders<'a> {
    rules: &'a Rules<'a>,
    viewer_rows: &'a [ViewerRow],
    session: Uuid,
    claims: ClaimsInForce,
    /// With the claims for which the host application was asked last.
    known: Vec<(Sender, ItemClaims)>,
}

impl<'a> Senders<'a> {
    pub fn new(rules: &'a Rules<'a>, viewer_rows: &'a [ViewerRow], session: Uuid) -> Self {
        Self {
            rules,
            viewer_rows,
            session,
            claims: ClaimsInForce::begin(),
            known: Vec::new(),
        }
    }

    /// The sender of a message, whose claims are in force from here on.
    pub fn of(&mut self, admitted: Admitted, draft: &Draft) -> Result<&mut Sender> {
        self.claims.set(&draft.claims)?;
        let place = match self
            .known
            .iter()
            .position(|(known, _)| known.user == draft.user)
        {
            Some(place) => place,
            None => {
                let mut rows = self.viewer_rows.iter();
                let viewer_row = rows.find(|row| row.user == draft.user);
                let sender = self.rules.sender(admitted, draft.user, viewer_row)?;
                self.known.push((sender, draft.claims.clone()));
                self.known.len() - 1
            }
        };
        let known = self.known.get_mut(place);
        let (sender, claims) = known.ok_or(Failure::Row("a sender was not read"))?;
        if *claims != draft.claims {
            sender.ask_hooks(self.session)?;
            *claims = draft.claims.clone();
        }
        Ok(sender)
    }

    /// All of them; the service's own claims are in force again.
    pub fn end(self) -> Vec<Sender> {
        self.claims.end();
        self.known.into_iter().map(|(sender, _)| sender).collect()
    }
}
