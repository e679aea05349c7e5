//! The visitor's own part in its erasure: sockets are closed, and the storage is deleted whole.

use super::Object;
use super::sockets::{Attachment, ERASED, Stage};
use crate::shell::erasure::{Emptied, Lives};
use crate::shell::js;
use crate::shell::reply::json;
use worker::{Request, Response, Result};

impl Object {
    /// The lives that are known here. A look: nothing is stored.
    pub(super) fn lives(&self) -> Result<Response> {
        let mut lives: std::collections::BTreeSet<_> =
            self.sent.borrow().records().into_iter().map(|(life, _)| life).collect();
        // One that cannot be read is deleted all the same; the database knows its lives.
        if let Ok(resident) = self.resident()
            && resident.exists
        {
            lives.insert(resident.visitor.incarnation());
            self.resident.replace(Some(resident));
        }
        json(200, &Lives { lives })
    }

    /// Deletes everything, unless the visitor has begun a life that is not among these.
    pub(super) async fn erase(&self, mut request: Request) -> Result<Response> {
        let Lives { lives } = request.json().await?;
        // From here on there is no await before all is begun: nothing comes in between.
        let resident = self.resident();
        if let Ok(resident) = resident
            && resident.exists
            && !lives.contains(&resident.visitor.incarnation())
        {
            self.resident.replace(Some(resident));
            return json(200, &Emptied::default());
        }
        let storage = self.is_stored()?;
        self.sent.replace(Default::default());
        let sockets = self.state.get_websockets();
        for socket in &sockets {
            // Its end says nothing about the visitor that may come after.
            Attachment { stage: Stage::Replaced, surroundings: Default::default() }.keep(socket)?;
            drop(socket.close(Some(ERASED), Some("erased")));
        }
        if storage {
            js::settle(js::begin_delete_all(&self.state.storage())?).await?;
        }
        json(200, &Emptied { done: true, storage, sockets: sockets.len() })
    }
}
